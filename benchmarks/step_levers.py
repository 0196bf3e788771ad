"""What does each lever on speed give? A step of one recipe, with one thing changed at a time.

    python benchmarks/step_levers.py quick

Every turn is a process of its own, as allocator, threads and compiled code outlive a step. The
machine's speed changes by the minute, so each variant takes its turn between two of `base`, and its
step is held against the mean of those two; what it gave is the median of that ratio over the
rounds, every other of which goes backwards. `base` between two of itself shows how much of a ratio
is noise. Other micro-batches change what batch norm sees, and the variants from the stem's bias on
the network; the others change nothing but rounding. Writes results/step_levers_NAME.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from support.record import write_result
from thriftnet.bench.speed import noise_training
from thriftnet.errors import TrainingError
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runtime.layout import with_layout
from thriftnet.training.distributed.replicas import Replicas
from thriftnet.training.loop import train_step

_CHILD = "--variant"
_KEEP_MEMORY = "thriftnet.runtime.device.keep_freed_memory"
_WIDEST_GRID = "thriftnet.kernels.strips.WIDEST_GRID"

Turn = dict[str, Any]
"""What `measure` found of a variant."""


@dataclass(frozen=True)
class Variant:
    """One thing changed."""

    overrides: tuple[str, ...] = ()
    """Recipe keys."""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    compiled: bool = False
    memory_format: torch.memory_format = torch.channels_last
    keep_memory: bool = True
    strips: bool = True


VARIANTS = {
    "base": Variant(),
    "PyTorch's own pooling, norm and activation": Variant(environment={"THRIFTNET_FUSED": "0"}),
    "weight gradients image by image": Variant(strips=False),
    "torch.compile": Variant(compiled=True),
    "fp32": Variant(overrides=("train.precision=fp32",)),
    "ordinary layout of the weights": Variant(memory_format=torch.contiguous_format),
    "freed memory given back": Variant(keep_memory=False),
    "huge pages": Variant(environment={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    "threads bound to cores": Variant(environment={"OMP_PROC_BIND": "true"}),
    "one thread": Variant(environment={"OMP_NUM_THREADS": "1"}),
    "whole batch at once": Variant(overrides=("train.micro_batch=0",)),
    "micro-batches of 500": Variant(overrides=("train.micro_batch=500",)),
    "micro-batches of 125": Variant(overrides=("train.micro_batch=125",)),
    "stem bias trained": Variant(overrides=("train.stem_epochs=null",)),
    "ReLU": Variant(overrides=("model.activation=relu",)),
    "SiLU": Variant(overrides=("model.activation=silu",)),
    "no residual connections": Variant(overrides=("model.residual=false",)),
}


class CompiledReplicas(Replicas):
    """Copies of a compiled network are not compiled by themselves."""

    def _make(self) -> nn.Module:
        replica = super()._make()
        replica.compile()
        return replica


def measure(recipe_name: str, name: str, *, steps: int) -> Turn:
    """Time a variant's first step and its median step, in this process, for good.

    Where the loss is no longer finite, `failed` says so in place of times.
    """
    variant = VARIANTS[name]
    with ExitStack() as changed:
        if not variant.keep_memory:
            changed.enter_context(patch(_KEEP_MEMORY))
        if not variant.strips:
            changed.enter_context(patch(_WIDEST_GRID, 0))
        return _measure(variant, load_recipe(recipe_name, list(variant.overrides)), steps=steps)


def _measure(variant: Variant, recipe: Recipe, *, steps: int) -> Turn:
    plan, state = noise_training(recipe)
    with_layout(state.model, variant.memory_format)
    if variant.compiled:
        state.model.compile()
        state.replicas = CompiledReplicas(state.model)
    batch = torch.arange(plan.batch_size)
    step = _timed(lambda: train_step(plan, state, batch, epoch=plan.sizes.first_whole_epoch))
    try:
        first = step()
        times = [step() for _ in range(steps)]
    except TrainingError as fault:
        return {"failed": str(fault).split(";")[0]}
    return {"first_step_seconds": first, "step_seconds": statistics.median(times)}


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return run


def run_child(recipe: str, name: str, *, steps: int) -> Turn:
    """Measure a variant in a process of its own."""
    command = [sys.executable, __file__, recipe, _CHILD, name, "--steps", str(steps)]
    environment = os.environ | VARIANTS[name].environment
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def one_round(
    names: Sequence[str], take: Callable[[str], Turn]
) -> Iterator[tuple[str, Turn, float]]:
    """Take each variant's turn between two of `base`; the one after it is before the next.

    Yields:
        The variant, its turn, and the mean step of the two bases beside it, seconds.
    """
    before = take("base")["step_seconds"]
    for name in names:
        turn, after = take(name), take("base")["step_seconds"]
        yield name, turn, (before + after) / 2
        before = after


def summary(turns: Sequence[tuple[Turn, float]]) -> dict[str, Any]:
    """A variant's medians over its turns, each with the step of its bases; or why one failed."""
    failed = next((turn["failed"] for turn, _ in turns if "failed" in turn), None)
    if failed:
        return {"failed": failed}
    ratios = [turn["step_seconds"] / base for turn, base in turns]
    return {
        "step_seconds": statistics.median(turn["step_seconds"] for turn, _ in turns),
        "first_step_seconds": statistics.median(turn["first_step_seconds"] for turn, _ in turns),
        "beside_base": statistics.median(ratios),
        "every_ratio": ratios,
    }


def main() -> None:
    """Take turns and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="quick")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4, help="timed steps of each turn")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, help="these, and base")
    parser.add_argument(_CHILD, choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.variant:
        print(json.dumps(measure(given.recipe, given.variant, steps=given.steps)))
        return
    names = [name for name in VARIANTS if name == "base" or name in (given.only or VARIANTS)]
    turns: dict[str, list[tuple[Turn, float]]] = {name: [] for name in names}
    for number in range(given.rounds):
        order = names[::-1] if number % 2 else names
        take = partial(run_child, given.recipe, steps=given.steps)
        for name, turn, base in one_round(order, take):
            turns[name].append((turn, base))
            print(f"round {number + 1}  {name}: {turn}, base {base:.3f} s", flush=True)
    recipe = load_recipe(given.recipe)
    write_result(
        f"step_levers_{given.recipe}",
        {
            "recipe": given.recipe,
            "digest": recipe.digest(),
            "batch_size": recipe.train.batch_size,
            "rounds": given.rounds,
            "steps": given.steps,
            "variants": {
                name: {
                    "overrides": list(VARIANTS[name].overrides),
                    "environment": VARIANTS[name].environment,
                    **summary(found),
                }
                for name, found in turns.items()
            },
        },
    )


if __name__ == "__main__":
    main()
