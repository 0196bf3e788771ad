"""Loss and gradient norm by step, as recorded in the epochs' lines of the metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

MOST_POINTS = 250
"""Maximum number of points of a run; in a longer run each covers several steps. A point costs one
pass over the gradients, which slows a tiny network down, and about 25 bytes of the metrics."""


def steps_per_point(total_steps: int) -> int:
    """Steps per point in a run of `total_steps` planned steps."""
    return max(1, math.ceil(total_steps / MOST_POINTS))


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Euclidean norm of all gradients, on their device."""
    return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


@dataclass
class StepCurve:
    """Points of the current epoch, and the sums for the next point."""

    step: list[int] = field(default_factory=list)
    """Last step of each point, counted from 1."""
    loss: list[float] = field(default_factory=list)
    """Mean training loss over the images of each point's steps."""
    gradient_norm: list[float | None] = field(default_factory=list)
    """Euclidean norm of the gradient of a point's last step, over all weights, before the optimiser
    changes it; None if not finite."""
    loss_sum: float = 0.0
    images: int = 0

    def add(self, loss_sum: float, images: int) -> None:
        """Add a step.

        Args:
            loss_sum: Loss summed over its images.
            images: Number of images.
        """
        self.loss_sum += loss_sum
        self.images += images

    def end_point(self, step: int, gradient_norm: float) -> None:
        """End a point with this step."""
        self.step.append(step)
        self.loss.append(_short(self.loss_sum / self.images))
        finite = math.isfinite(gradient_norm)
        self.gradient_norm.append(_short(gradient_norm) if finite else None)
        self.loss_sum, self.images = 0.0, 0

    def take(self) -> dict[str, Any]:
        """Return the points for the epoch's line of the metrics, and remove them."""
        points = {"step": self.step, "loss": self.loss, "gradient_norm": self.gradient_norm}
        self.step = []
        self.loss = []
        self.gradient_norm = []
        return points


def _short(value: float) -> float:
    """Round to six digits, to keep the metrics small."""
    return float(f"{value:.6g}")
