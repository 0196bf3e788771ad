"""What a choice and the training after it may cost, in counted operations."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
import torch

from thriftnet.data import Dataset
from thriftnet.data.opened import hold
from thriftnet.models.describe import training_flops
from thriftnet.recipe import load_recipe
from thriftnet.recipe.rules import TRIAL_SHARE
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network

_BATCH, _SIDE = 128, 32
_SECONDS = 1.5
"""Spent on measuring the machine: the real training is timed anew before it begins."""
_USABLE = 0.95
"""Share of the time that training and trials have: start-up and files take some."""


@dataclass
class RemainingBudget:
    """A budget of time, of operations or of both, and what is left of it."""

    began: float
    """When the clock was started, by `time.monotonic()`."""
    seconds: float | None
    operations: float | None
    rate: float = 0.0
    """Counted operations a second of this machine; needed for a budget of time."""
    spent: float = 0.0
    """Operations of trials."""

    @classmethod
    def of(cls, request: AutoRequest) -> RemainingBudget:
        """That of a user, on this machine."""
        rate = 0.0 if request.seconds is None else operations_per_second()
        return cls(request.began, request.seconds, request.operations, rate)

    def left(self) -> float:
        """Counted operations that what is left buys."""
        choices: list[float] = []
        if self.operations is not None:
            choices.append(self.operations - self.spent)
        if self.seconds is not None:
            choices.append(self.seconds_left() * self.rate)
        return max(1.0, min(choices))

    def final(self) -> float:
        """What of that the final training has, before any trial."""
        return self.left() * (1 - TRIAL_SHARE)

    def seconds_left(self) -> float:
        """Of a budget of time."""
        assert self.seconds is not None
        return self.began + self.seconds * _USABLE - time.monotonic()


def operations_per_second() -> float:
    """The counted operations that this machine trains `quick` with in a second, about."""
    noise = np.random.default_rng(0).integers(0, 256, (2 * _BATCH, _SIDE, _SIDE, 3), np.uint8)
    labels = np.arange(len(noise), dtype=np.int64) % 2
    data = hold(Dataset(noise, labels, ("a", "b")), name="noise")
    small = [f"train.batch_size={_BATCH}", f"train.micro_batch={_BATCH}"]
    recipe = load_recipe("quick", small)
    plan = make_plan(recipe, data, recipe_network(recipe, classes=2))
    state = make_state(recipe, plan, recipe_network(recipe, classes=2))
    batch, whole = torch.arange(_BATCH), plan.sizes.first_whole_epoch
    times: list[float] = []
    while len(times) < 3 or sum(times) < _SECONDS:
        began = time.monotonic()
        train_step(plan, state, batch, epoch=whole)
        times.append(time.monotonic() - began)
    return training_flops(plan.macs, _BATCH) / statistics.median(times[1:])
