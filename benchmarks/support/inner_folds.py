"""Parts of a training split that are held out in turn, and networks trained on the rest of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.data import Dataset
from thriftnet.data.opened import open_arrays
from thriftnet.inference.engine import Engine
from thriftnet.recipe import Recipe
from thriftnet.training.automatic.trials import train_quietly
from thriftnet.training.budget import Budget, fit_to_budget
from thriftnet.training.setup import make_plan, make_state, recipe_network

KINDS = ("none", "shift", "flip", "flip_shift", "flip_turn")
NINE = "nine shifts"
"""By up to a pixel in each direction, mirrored too where training mirrors."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a network says of the images that were held out from it."""

    logits: dict[str, NDArray[np.float32]]
    """(N, classes) by the kind of test-time augmentation."""
    labels: NDArray[np.int64]
    """(N,)."""
    counts: NDArray[np.int64]
    """(classes,) images that were trained on."""
    pflop: float
    seconds: float


def fold_numbers(data: Dataset, *, count: int, seed: int = 0) -> NDArray[np.int64]:
    """(N,) the fold of each image, from 0: classes are spread evenly, groups stay together."""
    groups = np.arange(len(data)) if data.groups is None else data.groups
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    owner = data.labels[first]
    of_group, dealt = np.empty(len(first), np.int64), 0
    draws = np.random.default_rng(seed)
    for label in np.unique(owner):  # dealt on where the last class ended: small ones are spread too
        own = draws.permutation(np.flatnonzero(owner == label))
        of_group[own] = (np.arange(len(own)) + dealt) % count
        dealt += len(own)
    return of_group[group]


def kept(path: Path, key: str, train: Callable[[], Trained] | None) -> Trained | None:
    """What lies at `path` and was made under `key`, or is made now and kept; none where neither."""
    if path.is_file():
        with np.load(path) as file:
            found = dict(file)
        if str(found.pop("key")) == key:
            logits = {k.removeprefix("logits "): found.pop(k) for k in list(found) if " " in k}
            pflop, seconds = float(found["pflop"]), float(found["seconds"])
            return Trained(logits, found["labels"], found["counts"], pflop, seconds)
    if train is None:
        return None
    made = train()
    path.parent.mkdir(parents=True, exist_ok=True)
    logits = {f"logits {kind}": each for kind, each in made.logits.items()}
    rest = {k: v for k, v in vars(made).items() if k != "logits"}
    np.savez(path, allow_pickle=False, key=key, **logits, **rest)
    return made


def train_on_others(
    recipe: Recipe, data: Dataset, folds: NDArray[np.int64], fold: int, *, operations: float
) -> Trained:
    """Train on the other folds with so many counted operations, and classify one fold."""
    train, held_out = (data.subset(np.flatnonzero(part)) for part in (folds != fold, folds == fold))
    images, began = open_arrays(train, val=held_out), time.monotonic()
    network = recipe_network(recipe, classes=len(data.classes))
    budget = Budget(operations=operations)
    recipe = fit_to_budget(recipe, make_plan(recipe, images, network), budget, None)
    plan = make_plan(recipe, images, network)
    state = make_state(recipe, plan, network)
    train_quietly(plan, state)
    seconds = time.monotonic() - began
    engine, mirrored = plan.engine(state.network), recipe.augment.flip != "none"
    kinds = [kind for kind in KINDS if mirrored or "flip" not in kind]
    logits = engine.side_by_side(plan.val_images, kinds)
    logits[NINE] = _nine_shifts(engine, plan.val_images, "flip" if mirrored else "none")
    return Trained(
        logits={kind: each.numpy() for kind, each in logits.items()},
        labels=plan.val_labels.cpu().numpy(),
        counts=np.bincount(plan.labels.cpu().numpy(), minlength=len(data.classes)),
        pflop=plan.operations(state.total_steps) / 1e15,
        seconds=seconds,
    )


def _nine_shifts(engine: Engine, images: Tensor, kind: str) -> Tensor:
    """(N, classes): the mean over shifts of the logits of (N, 3, H, W) uint8 images."""
    side = images.shape[-1]
    padded = F.pad(images.float(), (1, 1, 1, 1), mode="reflect").to(torch.uint8)
    views = [
        padded[:, :, y : y + side, x : x + side].contiguous(memory_format=torch.channels_last)
        for y in range(3)
        for x in range(3)
    ]
    return torch.stack([engine.logits(view, kind) for view in views]).mean(0)
