"""Loss and gradient norm by step, as the lines of the epochs keep them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

MOST_POINTS = 1000
"""Of a run: a longer one has a point for several steps. Each costs one pass over the gradients and
about 25 bytes of the metrics."""


def steps_a_point(total_steps: int) -> int:
    """Steps between two points of a run of so many planned steps."""
    return max(1, math.ceil(total_steps / MOST_POINTS))


@dataclass
class StepCurve:
    """Points of the epoch under way, and the sums of the next one."""

    step: list[int] = field(default_factory=list)
    """At which each point ends, counted from 1."""
    loss: list[float] = field(default_factory=list)
    """That is trained on: the mean over the images of the point's steps."""
    gradient_norm: list[float | None] = field(default_factory=list)
    """Euclidean norm of the gradient of a point's last step, over all weights, before the optimiser
    changes it; none where it is not finite."""
    loss_sum: float = 0.0
    images: int = 0

    def add(self, loss_sum: float, images: int) -> None:
        """Take in a step.

        Args:
            loss_sum: Of its images.
            images: How many there were.
        """
        self.loss_sum += loss_sum
        self.images += images

    def end_point(self, step: int, parameters: Iterable[nn.Parameter]) -> None:
        """A point ends with this step, whose gradients the parameters still have."""
        self.step.append(step)
        self.loss.append(_short(self.loss_sum / self.images))
        gradients = [each.grad for each in parameters if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients).item()
        self.gradient_norm.append(_short(norm) if math.isfinite(norm) else None)
        self.loss_sum, self.images = 0.0, 0

    def take(self) -> dict[str, Any]:
        """The points so far, for the line of the epoch; the next epoch has its own."""
        points = {"step": self.step, "loss": self.loss, "gradient_norm": self.gradient_norm}
        self.step, self.loss, self.gradient_norm = [], [], []
        return points


def _short(value: float) -> float:
    """Six digits, to keep the metrics small."""
    return float(f"{value:.6g}")
