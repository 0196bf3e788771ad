"""Do two processes train as one does?

    python benchmarks/ddp_parity.py --steps 24

Trains `quick` on real images in fp32 for so many steps, by one process and by two that torchrun
starts, with whole micro-batches and with split ones; and with SGD in place of Muon, whose
bfloat16 iteration makes much of a rounding. How much is shown by one process that rounds
otherwise for another reason, as it has two threads. Writes results/ddp_parity.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.record import write_result
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.training.distributed.processes import init_processes
from thriftnet.training.loop import train_step
from thriftnet.training.order import random_order
from thriftnet.training.rng import generator
from thriftnet.training.setup import make_plan, make_state, recipe_network

_SGD = ["optim={name: sgd, lr: 0.02, momentum: 0.6, nesterov: true}"]
_SPLIT = ["train.sync_batch_norm=true"]
WAYS = {"muon": [], "muon, split": _SPLIT, "sgd": _SGD, "sgd, split": [*_SGD, *_SPLIT]}
_TOLERANCE = 1e-4
"""Of SGD's losses. With Muon the other rounding of two threads is what to compare with."""


def _recipe(way: str) -> Recipe:
    return load_recipe("quick", ["train.precision=fp32", "train.device=cpu", *WAYS[way]])


def _losses(way: str, steps: int, out: Path) -> None:
    """Train in as many processes as there are; the first writes the loss of each step."""
    recipe = _recipe(way)
    images = open_dataset(DatasetSpec())
    with init_processes() as processes:
        model = recipe_network(recipe, classes=len(images.classes))
        plan = make_plan(recipe, images, model, processes)
        state = make_state(recipe, plan, model)
        order = random_order(
            plan.epochs, 0, state.losses, generator=generator(plan.seed, "order", 0)
        )
        losses: list[float] = []
        for batch in order[: steps * plan.batch_size].split(plan.batch_size):
            before = state.totals.loss
            train_step(plan, state, batch, epoch=0)
            losses.append((state.totals.loss - before) / len(batch))
        if processes.is_main:
            out.write_text(json.dumps(losses), "utf-8")


def _trained(way: str, steps: int, *, processes: int = 1, threads: int = 1) -> list[float]:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "losses.json"
        task = [__file__, "--way", way, "--steps", str(steps), "--out", str(out)]
        subprocess.run(
            [sys.executable, *(launch if processes > 1 else []), *task],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        return json.loads(out.read_text("utf-8"))


def _compare(optimiser: str, steps: int) -> dict[str, Any]:
    """One process against itself with two threads, and against two of a thread each."""
    one = _trained(optimiser, steps)
    others = {
        "one process, two threads": _trained(optimiser, steps, threads=2),
        "two processes": _trained(optimiser, steps, processes=2),
        "two processes, split": _trained(f"{optimiser}, split", steps, processes=2),
    }
    gaps = {
        name: [abs(a - b) for a, b in zip(one, other, strict=True)]
        for name, other in others.items()
    }
    for name, gap in gaps.items():
        print(f"{optimiser}, {name}: largest difference of {steps} losses: {max(gap):.2e}")
    return {
        "losses": one,
        "differences": gaps,
        "largest_difference": {name: max(gap) for name, gap in gaps.items()},
    }


def main() -> None:
    """Compare and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        _losses(arguments.way, arguments.steps, arguments.out)
        return
    recipe = load_recipe("quick")
    found = {name: _compare(name, arguments.steps) for name in ("muon", "sgd")}
    worst = max(gap for name, gap in found["sgd"]["largest_difference"].items() if "two p" in name)
    write_result(
        "ddp_parity",
        {
            "recipe": "quick",
            "precision": "fp32",
            "steps": arguments.steps,
            "batch_size": recipe.train.batch_size,
            "micro_batch": recipe.train.micro_batch,
            "seeds": [recipe.seed],
            "tolerance_sgd": _TOLERANCE,
            "holds": worst <= _TOLERANCE,
            **found,
        },
    )


if __name__ == "__main__":
    main()
