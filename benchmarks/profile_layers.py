"""Where does a training step's time go, and how near is it to what the machine can do?

    python benchmarks/profile_layers.py quick

Takes steps of a recipe on noise: some alone (the wall time); some with every operator timed, whose
micro-batches follow one another with all threads in each (the shares by kind of layer, the rate of
every convolution); one in a child process that logs which implementations oneDNN chose. A
convolution that falls to a reference implementation is an error.
Writes results/profile_NAME.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from support.onednn_log import executed, fallbacks, table
from support.record import write_result
from support.step_kinds import StepClock
from thriftnet.augment import Augment
from thriftnet.augment.pipeline import Draws
from thriftnet.bench.clock import median_seconds
from thriftnet.bench.roofline import convolution_rate
from thriftnet.bench.speed import noise_steps, noise_training
from thriftnet.kernels.library import fused, winograd
from thriftnet.models.describe import training_flops
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.training.setup import Plan

_CHILD = "--onednn-child"


def steps_of(recipe: Recipe, clock: StepClock | None = None) -> tuple[Plan, Callable[[], None]]:
    """A plan on noise, and a call that takes one step of it, its parts named to a clock."""
    plan, state = noise_training(recipe)
    if clock:

        def began(*_: object) -> None:
            clock.enter("optimiser")

        def ended(*_: object) -> None:
            clock.leave()

        plan = replace(plan, augment=_timed(plan.augment, clock))
        for optimiser in state.optimisers:
            optimiser.register_step_pre_hook(began)
            optimiser.register_step_post_hook(ended)
    return plan, noise_steps(plan, state)


def _timed(augment: Augment, clock: StepClock) -> Augment:
    class TimedAugment(Augment):
        def draw(self, *arguments: Any, **options: Any) -> Draws:
            clock.enter("augmentation")
            draws = super().draw(*arguments, **options)
            clock.leave()
            return draws

        def apply(self, *arguments: Any, **options: Any) -> torch.Tensor:
            clock.enter("augmentation")
            images = super().apply(*arguments, **options)
            clock.leave()
            return images

    return TimedAugment(**vars(augment))


def profiled(recipe: Recipe, *, steps: int) -> dict[str, Any]:
    """Shares of a step's time by kind, and the rate of every convolution."""
    clock = StepClock()
    _, step = steps_of(recipe, clock)
    kernels = {
        dtype: clock.timed(fused(dtype), "fused pooling, norm, activation")
        for dtype in (torch.bfloat16, torch.float32)
    }
    convolutions = clock.timed(winograd(), "compiled convolutions")
    with (
        # A dispatch mode sees its own thread alone: micro-batches follow one another.
        patch("thriftnet.runtime.threads._workers", return_value=1),
        patch("thriftnet.kernels.norm_act.fused", kernels.get),
        patch("thriftnet.kernels.winograd.winograd", lambda: convolutions),
    ):
        step()  # the first step makes what later ones keep
        clock.clear()
        began = time.perf_counter()
        with clock:
            for _ in range(steps):
                step()
        total = time.perf_counter() - began
    clock.seconds["between operators"] = total - sum(clock.seconds.values())
    return {
        "seconds_per_step": total / steps,
        "share": {kind: took / total for kind, took in clock.seconds.items()},
        "convolutions": [
            {
                "layer": layer,
                "direction": direction,
                "gflop_per_step": clock.flops[layer, direction] / steps / 1e9,
                "milliseconds_per_step": took / steps * 1e3,
                "gflops": clock.flops[layer, direction] / took / 1e9,
            }
            for (layer, direction), took in sorted(clock.spent.items(), key=lambda item: -item[1])
        ],
    }


def implementations(arguments: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """What oneDNN chose for one step, and the convolutions that fell to a reference."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments, _CHILD],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "ONEDNN_VERBOSE": "1"},
    )
    found = executed(done.stdout)
    return table(found), [f"{way.name} {way.direction} {way.types}" for way in fallbacks(found)]


def main() -> None:
    """Profile a recipe and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="quick")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--seconds", type=float, default=30, help="for the steps without profile")
    parser.add_argument("--steps", type=int, default=4, help="with every operator timed")
    parser.add_argument(_CHILD, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe, arguments.overrides)
    plan, step = steps_of(recipe)
    if arguments.onednn_child:
        step()
        return
    dtype = torch.bfloat16 if plan.compute.precision == "bf16" else torch.float32
    # Before and after the steps: a machine that slows down on the way must not flatter them.
    before = convolution_rate(dtype, seconds=arguments.seconds / 6)
    seconds = median_seconds(step, seconds=arguments.seconds)
    after = convolution_rate(dtype, seconds=arguments.seconds / 6)
    rate = (before + after) / 2
    batch = min(plan.batch_size, len(plan.images))
    achieved = training_flops(plan.macs, batch) / seconds
    chosen, on_reference = implementations(sys.argv[1:])
    write_result(
        f"profile_{recipe.name}",
        {
            "recipe": recipe.name,
            "digest": recipe.digest(),
            "overrides": arguments.overrides,
            "precision": plan.compute.precision,
            "batch_size": batch,
            "micro_batch": plan.micro_batch,
            "step_seconds": seconds,
            "images_per_second": batch / seconds,
            "convolution_rate_gflops": rate / 1e9,
            "convolution_rate_gflops_before_and_after": [before / 1e9, after / 1e9],
            "step_gflops": achieved / 1e9,
            "share_of_convolution_rate": achieved / rate,
            "target": {"share_of_convolution_rate": 0.8},
            "reached": achieved / rate >= 0.8,
            "profile": profiled(recipe, steps=arguments.steps),
            "onednn": {"convolutions_by_reference": on_reference, "implementations": chosen},
        },
    )
    print(f"{achieved / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s: {achieved / rate:.1%}")
    if on_reference:
        sys.exit(f"convolutions by reference implementations: {'; '.join(on_reference)}")


if __name__ == "__main__":
    main()
