"""What does each lever on speed give? A step of one recipe, with one thing changed at a time.

    python benchmarks/step_levers.py quick

Every variant is a process of its own, as allocator, threads and compiled code outlive a step; in
each of several rounds all take their turns, since the machine's speed changes by the hour. What a
variant gave is the median over rounds of its step beside that of `base` in the same round. None of
them changes what is learnt, but for rounding. Writes results/step_levers_NAME.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch

from record import write_result
from thriftnet.bench.speed import noise_training
from thriftnet.errors import TrainingError
from thriftnet.recipe import load_recipe
from thriftnet.training.loop import train_step

_CHILD = "--variant"
_KEEP_MEMORY = "thriftnet.training.device.keep_freed_memory"


@dataclass(frozen=True)
class Variant:
    """One thing changed."""

    overrides: tuple[str, ...] = ()
    """Recipe keys."""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    compiled: bool = False
    memory_format: torch.memory_format = torch.channels_last
    keep_memory: bool = True


VARIANTS = {
    "base": Variant(),
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


def measure(recipe_name: str, name: str, *, steps: int) -> dict[str, Any]:
    """Time a variant's first step and its median step, in this process, for good.

    Where the loss is no longer finite, `failed` says so in place of times.
    """
    variant = VARIANTS[name]
    recipe = load_recipe(recipe_name, list(variant.overrides))
    with nullcontext() if variant.keep_memory else patch(_KEEP_MEMORY):
        plan, state = noise_training(recipe)
    state.model.to(memory_format=variant.memory_format)  # pyright: ignore[reportCallIssue]
    if variant.compiled:
        state.model.compile()
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


def run_child(recipe: str, name: str, *, steps: int) -> dict[str, Any]:
    """Measure a variant in a process of its own."""
    command = [sys.executable, __file__, recipe, _CHILD, name, "--steps", str(steps)]
    environment = os.environ | VARIANTS[name].environment
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def summary(rounds: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians over rounds; of a variant that failed in any, why."""
    base = [each["step_seconds"] for each in rounds["base"]]
    found: dict[str, Any] = {}
    for name, turns in rounds.items():
        failed = next((turn["failed"] for turn in turns if "failed" in turn), None)
        if failed:
            found[name] = {"failed": failed}
            continue
        ratios = [turn["step_seconds"] / one for turn, one in zip(turns, base, strict=False)]
        found[name] = {
            "step_seconds": statistics.median(turn["step_seconds"] for turn in turns),
            "first_step_seconds": statistics.median(turn["first_step_seconds"] for turn in turns),
            "beside_base": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
        }
    return found


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
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(given.rounds):
        for name in names:
            rounds[name].append(run_child(given.recipe, name, steps=given.steps))
            print(f"round {turn + 1}  {name}: {rounds[name][-1]}", flush=True)
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
                    **figures,
                }
                for name, figures in summary(rounds).items()
            },
        },
    )


if __name__ == "__main__":
    main()
