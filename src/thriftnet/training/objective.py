"""From images and targets to a loss: where distillation or a consistency term enters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.recipe.sections import TrainSection
from thriftnet.runtime.device import Compute


class Objective(Protocol):
    """What a step makes smaller; on a CPU it is called from several threads at once."""

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the network and judge what it says.

        Args:
            network: In training mode.
            images: (n, 3, H, W) float32, normalised and augmented.
            targets: (n,) int64 labels, or (n, classes) float32 shares of mixed images.

        Returns:
            The loss summed over the images, and the (n, classes) float32 logits that the
            training accuracy and the images' own losses come from.
        """
        ...


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy, with smoothed labels (Szegedy et al. 2016)."""

    compute: Compute
    label_smoothing: float = 0.0
    """Share of each target that is spread evenly over the classes."""
    weights: Tensor | None = None
    """(classes,) float32 on the device: what an image of each class counts; none: all alike. A
    mixed image counts by its shares. Smoothing leaves an image's weight alone, unlike torch's
    `weight`, so that drawing it as much more often has the same mean gradient."""

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `Objective` says."""
        with self.compute.autocast():
            logits = network(images).float()
        smoothing = self.label_smoothing
        if self.weights is None:
            loss = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
            return loss, logits
        each = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        mixed = targets.is_floating_point()
        weights = (targets * self.weights).sum(1) if mixed else self.weights[targets]
        return (each * weights).sum(), logits


OBJECTIVES: dict[str, Callable[[TrainSection, Compute, Tensor | None], Objective]] = {
    "cross_entropy": lambda train, compute, weights: CrossEntropy(
        compute, train.label_smoothing, weights
    ),
}
"""What a recipe's training section is made of; its second entry brings the key that names it."""
