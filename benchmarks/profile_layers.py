"""Where does a training step's time go, and how near is it to what the machine can do?

    python benchmarks/profile_layers.py quick

Takes steps of a recipe on noise: some alone (the wall time), some under torch's profiler (the
shares by kind of layer, the rate of every convolution), one in a child process that logs which
implementations oneDNN chose. A convolution that falls to a reference implementation is an error.
Writes results/profile_NAME.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from onednn_log import executed, fallbacks, table
from record import write_result
from step_kinds import AUGMENTATION, KINDS, callers, convolution_flops, kind_of
from thriftnet.augment import Augment
from thriftnet.bench.clock import median_seconds
from thriftnet.bench.roofline import convolution_rate
from thriftnet.bench.speed import noise_training
from thriftnet.models.describe import training_flops
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.training.loop import train_step
from thriftnet.training.setup import Plan

_CHILD = "--onednn-child"


class NamedAugment(Augment):
    """An augmentation that the profile finds."""

    def __call__(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """As `Augment`."""
        with record_function(AUGMENTATION):
            return super().__call__(*arguments, **options)


def steps_of(recipe: Recipe) -> tuple[Plan, Callable[[], None]]:
    """A plan on noise, and a call that takes one step of it."""
    plan, state = noise_training(recipe)
    plan = replace(plan, augment=NamedAugment(**vars(plan.augment)))
    batch = torch.arange(min(plan.batch_size, len(plan.images)))
    return plan, lambda: train_step(plan, state, batch, epoch=plan.sizes.first_whole_epoch)


def profiled(step: Callable[[], None], *, steps: int) -> dict[str, Any]:
    """Shares of the operators' time by kind, and the rate of every convolution."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as found:
        for _ in range(steps):
            step()
    events = found.events() or []
    times = dict.fromkeys(KINDS, 0.0)
    flops: dict[tuple[str, str], float] = defaultdict(float)
    spent: dict[tuple[str, str], float] = defaultdict(float)
    for event in events:
        times[kind_of(list(callers(event)))] += event.self_cpu_time_total / 1e6
        convolution = convolution_flops(event)
        if convolution:
            layer, direction, operations = convolution
            flops[layer, direction] += operations
            spent[layer, direction] += event.cpu_time_total / 1e6
    total = sum(times.values())
    return {
        "operator_seconds_per_step": total / steps,
        "share": {kind: took / total for kind, took in times.items()},
        "convolutions": [
            {
                "layer": layer,
                "direction": direction,
                "gflop_per_step": flops[layer, direction] / steps / 1e9,
                "milliseconds_per_step": took / steps * 1e3,
                "gflops": flops[layer, direction] / took / 1e9,
            }
            for (layer, direction), took in sorted(spent.items(), key=lambda item: -item[1])
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
    parser.add_argument("--steps", type=int, default=4, help="under the profiler")
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
            "profile": profiled(step, steps=arguments.steps),
            "onednn": {"convolutions_by_reference": on_reference, "implementations": chosen},
        },
    )
    print(f"{achieved / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s: {achieved / rate:.1%}")
    if on_reference:
        sys.exit(f"convolutions by reference implementations: {'; '.join(on_reference)}")


if __name__ == "__main__":
    main()
