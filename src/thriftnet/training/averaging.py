"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A copy of a network whose weights are an exponential moving average.

    At step t the decay is min(decay, (1 + t) / (10 + t)), so that the initial weights soon lose
    their influence. Buffers, such as running statistics, are copied.

    Args:
        model: The network that is trained.
        decay: Share of the old average that each update keeps, in (0, 1).
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, *, step: int) -> None:
        """Update the average with the weights after step `step`, counted from 0."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(value, weight)
        for average, value in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(value)
