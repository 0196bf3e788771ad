"""The training loss; distillation or a consistency term is another `Objective`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.recipe.sections import TrainSection
from thriftnet.runtime.device import Compute


class Objective(Protocol):
    """The loss of a micro-batch; on a CPU it is called from several threads at once."""

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the network and compute the loss.

        Args:
            network: In training mode.
            images: (n, 3, H, W) float32, normalised and augmented.
            targets: (n,) int64 labels, or (n, classes) float32 probabilities of mixed images.

        Returns:
            The loss summed over the images, and the (n, classes) float32 logits for training
            accuracy and per-image losses.
        """
        ...


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy, with smoothed labels (Szegedy et al. 2016)."""

    compute: Compute
    label_smoothing: float = 0.0
    """Share of each target that is spread evenly over the classes."""
    weights: Tensor | None = None
    """(classes,) float32 class weights on the device; None: uniform. A mixed image has the weighted
    mean. Unlike with torch's `weight`, smoothing does not change an image's weight, so that
    oversampling has the same mean gradient."""

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
"""Builders by name. A recipe key that selects one comes with the second entry."""
