"""The remaining budget of trials and training, in operations."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
import torch

from thriftnet.data import Dataset
from thriftnet.data.opened import open_arrays
from thriftnet.models.describe import training_flops
from thriftnet.phases import phase
from thriftnet.recipe import load_recipe
from thriftnet.recipe.chosen import batch_size
from thriftnet.recipe.rules import TRIAL_SHARE
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network

_BATCH, _SIDE = 256, 32
"""Largest batch, and the image size, of the speed measurement."""
_SECONDS = 1.5
"""Duration of the speed measurement; repeated before the final training."""
_USABLE = 0.95
"""Share of the time available to trials and training."""


@dataclass
class RemainingBudget:
    """A budget of time, operations or both, with its use."""

    began: float
    """Start of the time budget, by `time.monotonic()`."""
    seconds: float | None
    operations: float | None
    rate: float = 0.0
    """Operations per second of this machine; required for a time budget."""
    spent: float = 0.0
    """Operations used by trials."""

    @classmethod
    def of(cls, request: AutoRequest, *, images: int) -> RemainingBudget:
        """The budget of a request to train on so many images, on this machine."""
        rate = 0.0
        if request.seconds is not None:
            with phase("measuring the speed of this machine"):
                rate = operations_per_second(images)
        return cls(request.began, request.seconds, request.operations, rate)

    def left(self) -> float:
        """Operations left."""
        choices: list[float] = []
        if self.operations is not None:
            choices.append(self.operations - self.spent)
        if self.seconds is not None:
            choices.append(self.seconds_left() * self.rate)
        return max(1.0, min(choices))

    def final(self) -> float:
        """Operations of the final training, before any trial."""
        return self.left() * (1 - TRIAL_SHARE)

    def seconds_left(self) -> float:
        """Seconds left of a time budget."""
        assert self.seconds is not None
        return self.began + self.seconds * _USABLE - time.monotonic()


def operations_per_second(images: int) -> float:
    """Approximate operations per second of training `quick` on this machine.

    In batches as the rules give so many images, up to 256: the update of the weights costs small
    batches more. In two micro-batches, since a thread takes a whole one; with a single one of 128,
    254 GFLOP/s were measured where trainings reached 320 to 380.

    Args:
        images: Number of training images.
    """
    size = min(_BATCH, batch_size(images))
    noise = np.random.default_rng(0).integers(0, 256, (2 * size, _SIDE, _SIDE, 3), np.uint8)
    labels = np.arange(len(noise), dtype=np.int64) % 2
    data = open_arrays(Dataset(noise, labels, ("a", "b")), name="noise")
    recipe = load_recipe("quick", [f"train.batch_size={size}", f"train.micro_batch={size // 2}"])
    model = recipe_network(recipe, classes=2)
    plan = make_plan(recipe, data, model)
    state = make_state(recipe, plan, model)
    batch, whole = torch.arange(size), plan.sizes.first_whole_epoch
    times: list[float] = []
    while len(times) < 3 or sum(times) < _SECONDS:
        began = time.monotonic()
        train_step(plan, state, batch, epoch=whole)
        times.append(time.monotonic() - began)
    return training_flops(plan.macs, size) / statistics.median(times[1:])
