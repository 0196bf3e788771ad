"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A second network whose weights follow the first one's.

    At step t the decay is min(decay, (1 + t) / (10 + t)), so that the random initial weights
    are soon forgotten. Running statistics and other buffers are copied, not averaged.

    Args:
        model: The network that is trained.
        decay: Share of the old average that each update keeps, in (0, 1).
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, *, step: int) -> None:
        """Take in the weights after step number `step`, counted from 0."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(value, weight)
        for average, value in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(value)
