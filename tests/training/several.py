"""What one of several processes does in a test; torchrun starts it.

    several.py parity FOLDER          every recipe of RECIPES, into FOLDER/NAME
    several.py SIGNAL STEP COMMAND…   `thriftnet COMMAND…`; process 1 gets SIGNAL at that step
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from small import dataset, sitting, small_recipe

from thriftnet.cli import main
from thriftnet.data import Dataset
from thriftnet.training import loop
from thriftnet.training.processes import meet
from thriftnet.training.setup import Plan

EVERYTHING = {"flip": "random", "mixup": 0.4, "cutmix": 1.0, "policy": "trivialaugment"}
DEPTH = {"stochastic_depth": 0.5}
SPEEDNET = {
    "model": {"family": "speednet", "blocks": [1, 2], "channels": [8, 8]},
    "optim": {"name": "muon", "lr": 0.1, "bias_lr": 0.01, "head_lr": 0.05},
    "schedule": {"name": "linear"},
}
SGD = {"name": "sgd", "lr": 0.05}
RECIPES = {
    # 49 images in batches of 16 leave one for the last, which one process alone can have.
    "two micro-batches": small_recipe(
        optim=SGD, model=DEPTH, augment=EVERYTHING, train={"micro_batch": 8}
    ),
    "three micro-batches, hard images": small_recipe(
        optim=SGD,
        train={"micro_batch": 6, "hard_fraction": 0.5, "full_epochs": 1, "select": "best"},
    ),
    "four of a speednet": small_recipe(**SPEEDNET, train={"micro_batch": 4}),
    "split": small_recipe(
        optim=SGD, model=DEPTH, augment=EVERYTHING, train={"sync_batch_norm": True}
    ),
    "split, a speednet": small_recipe(
        **SPEEDNET, train={"micro_batch": 8, "sync_batch_norm": True}
    ),
}
BFLOAT16 = small_recipe(optim=SGD, train={"sync_batch_norm": True, "precision": "bf16"})
CUT = RECIPES["two micro-batches"]
"""Begun by one process and ended by two."""


def images() -> Dataset:
    """61 images, of which 49 are left to train on."""
    return dataset(61)


def torchrun(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Start two processes as a user does: of this file, or of a module (`-m thriftnet …`)."""
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
        + ["--master-port", "0", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _parity(folder: Path) -> None:
    with meet() as processes:
        for name, recipe in {**RECIPES, "bf16": BFLOAT16, "cut": CUT}.items():
            sitting(recipe, folder / name, images=images, processes=processes)


def _with_signal(number: int, step: int) -> None:
    taken = loop.train_step

    def train_step(plan: Plan, state: loop.TrainingState, *rest: object, **named: object) -> None:
        if plan.processes.rank == 1 and state.step == step:
            os.kill(os.getpid(), number)
        taken(plan, state, *rest, **named)  # type: ignore[arg-type]

    loop.train_step = train_step  # type: ignore[assignment]
    main()


if __name__ == "__main__":
    kind, value = sys.argv[1:3]
    if kind == "parity":
        _parity(Path(value))
    else:
        sys.argv = ["thriftnet", *sys.argv[3:]]
        _with_signal(signal.Signals[kind], int(value))
