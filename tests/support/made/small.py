"""A training that takes a fraction of a second, with everything that draws at random."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from thriftnet.data import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD, Dataset, OpenDataset
from thriftnet.data.opened import open_arrays
from thriftnet.recipe import Recipe, build_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training import resume, start
from thriftnet.training.distributed.processes import ALONE, Processes
from thriftnet.training.loop import fit
from thriftnet.training.progress import Quiet, StepStats
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import make_plan, make_state, recipe_network

SMALL = {
    "name": "small",
    "data": {"val_ratio": 0.2},
    "augment": {"flip": "alternating", "crop_padding": 2, "brightness": 0.2, "cutout": 4},
    "model": {"family": "resnet", "blocks": [1, 1], "channels": [4, 8], "stochastic_depth": 0.2},
    "optim": {"name": "adamw", "lr": 0.01},
    "schedule": {"name": "warmup_cosine", "warmup_epochs": 1},
    "train": {"epochs": 3, "batch_size": 16, "ema_decay": 0.9, "precision": "fp32"},
}


def small_recipe(**sections: object) -> Recipe:
    """SMALL with sections updated: `small_recipe(train={"epochs": 1})`."""
    tree: dict[str, object] = {}
    for key, value in {**SMALL, **sections}.items():
        base = SMALL.get(key)
        mergeable = isinstance(value, dict) and isinstance(base, dict)
        same_kind = key != "model" or "family" not in (value if mergeable else {})
        tree[key] = {**base, **value} if mergeable and same_kind else value
    return build_recipe(tree)


def dataset(count: int = 60, seed: int = 0) -> Dataset:
    """Images whose class can be learned: each class has a colour, under noise."""
    images, labels = _drawn(count, seed)
    return Dataset(images.copy(), labels.copy(), CIFAR10_CLASSES)


@functools.cache
def _drawn(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 10
    colours = np.random.default_rng(99).integers(40, 216, size=(10, 1, 1, 3))
    noise = rng.integers(-40, 40, size=(count, 32, 32, 3))
    return (colours[labels] + noise).astype(np.uint8), labels


def opened(train: Dataset | None = None, test: Dataset | None = None) -> OpenDataset:
    """Images as `open_data` gives them, normalised as CIFAR-10's are."""
    train = dataset() if train is None else train
    held = open_arrays(train, dataset() if test is None else test, name="cifar10")
    return replace(held, mean=CIFAR10_MEAN, std=CIFAR10_STD)


def use_images(monkeypatch: pytest.MonkeyPatch, images: OpenDataset | None = None) -> None:
    """Let trainings that start or resume open these images, whatever their recipe says."""
    given = images or opened()
    for module in (start, resume):
        monkeypatch.setattr(module, "open_data", lambda *_, **__: given)


class StopAt(Quiet):
    """Asks the run to end after some steps of this sitting."""

    def __init__(self, steps: int | None, stop: StopRequest) -> None:
        self.left = steps
        self.stop = stop

    def step(self, stats: StepStats) -> None:
        if self.left is not None:
            self.left -= 1
            self.stop.requested = self.left <= 0


def sitting(
    recipe: Recipe,
    path: Path,
    *,
    stop_after: int | None = None,
    images: Callable[[], Dataset] = dataset,
    processes: Processes = ALONE,
) -> tuple[bool, RunFolder]:
    """Train from the run's checkpoint, or from the start, until the end or for some steps."""
    stop = StopRequest()
    train_set = images()
    model = recipe_network(recipe, classes=len(train_set.classes))
    plan = make_plan(recipe, opened(train_set), model, processes)
    state = make_state(recipe, plan, model)
    if processes.broadcast_from_main(path.exists):
        run = RunFolder.open(path)
        state.load_checkpoint(run.load_state())
        processes.broadcast_from_main(lambda: run.rewind(state.step))
    else:
        run = processes.broadcast_from_main(lambda: create_run(path, recipe, {}))
    finished = fit(plan, state, Recorder(recipe, plan, state, run, StopAt(stop_after, stop)), stop)
    return finished, run
