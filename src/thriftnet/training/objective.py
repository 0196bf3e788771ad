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

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `Objective` says."""
        with self.compute.autocast():
            logits = network(images).float()
        smoothing = self.label_smoothing
        return (
            F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum"),
            logits,
        )


OBJECTIVES: dict[str, Callable[[TrainSection, Compute], Objective]] = {
    "cross_entropy": lambda train, compute: CrossEntropy(compute, train.label_smoothing),
}
"""What a recipe's training section is made of; its second entry brings the key that names it."""
