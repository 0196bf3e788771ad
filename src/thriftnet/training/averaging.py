"""Averages of a network's weights: over the steps, and with those that training started from."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


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


class Interpolation:
    """A copy of a network on the line between its initial and its trained weights.

    A point between keeps most of what fine-tuning gained and forgets little of what it started with
    ("Robust fine-tuning of zero-shot models", Wortsman et al., CVPR 2022; measured in
    docs/trust.md). Running statistics are interpolated, too.

    Args:
        model: With its initial weights.
        keep: Their share, in (0, 1).
    """

    def __init__(self, model: nn.Module, *, keep: float) -> None:
        self.initial = {name: value.clone() for name, value in model.state_dict().items()}
        self.keep = keep
        self._model = copy.deepcopy(model).eval()

    @torch.no_grad()
    def of(self, trained: nn.Module) -> nn.Module:
        """The network between the initial weights and `trained`; the same module at each call."""
        values = trained.state_dict()
        for name, own in self._model.state_dict().items():
            value = values[name]
            if value.is_floating_point():
                value = torch.lerp(value, self.initial[name], self.keep)
            own.copy_(value)
        return self._model

    def load(self, initial: Mapping[str, Tensor]) -> None:
        """Take other initial weights.

        Raises:
            KeyError, RuntimeError: They are not of this network.
        """
        for name, own in self.initial.items():
            own.copy_(initial[name])
