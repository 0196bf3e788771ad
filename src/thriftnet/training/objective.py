"""The training loss; distillation or a consistency term is another `Objective`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.recipe.sections import TrainSection
from thriftnet.runtime.device import Compute, at_least_float32


class Objective(Protocol):
    """The loss of a micro-batch; on a CPU it is called from several threads at once."""

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the network and compute the loss.

        Args:
            network: In training mode.
            images: (n, 3, H, W) float32, normalised and augmented. With two views per image,
                (2n, 3, H, W): all first views, then all second ones.
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
            logits = at_least_float32(network(images))
        return self.of(logits, targets), logits

    def of(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of (n, classes) float32 logits, summed over the images."""
        smoothing = self.label_smoothing
        if self.weights is None:
            return F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
        each = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        mixed = targets.is_floating_point()
        weights = (targets * self.weights).sum(1) if mixed else self.weights[targets]
        return (each * weights).sum()


@dataclass(frozen=True)
class Consistency:
    """Cross-entropy of the first view, and how far the predictions of both views are apart.

    After AugMix (Hendrycks et al., arXiv 1912.02781), which has three views: two cost two thirds of
    that.
    """

    cross_entropy: CrossEntropy
    weight: float
    """Of the Jensen-Shannon divergence, in nats."""

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `Objective` says; the logits are those of the first view."""
        with self.cross_entropy.compute.autocast():
            logits = at_least_float32(network(images))
        first, second = logits.split(len(logits) // 2) if len(logits) else (logits, logits)
        apart = jensen_shannon(first, second).sum()
        return self.cross_entropy.of(first, targets) + self.weight * apart, first


def jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """(n,) Jensen-Shannon divergence, in nats, of the predictions of (n, classes) logits.

    Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37, 1991.
    """
    a, b = first.log_softmax(dim=1), second.log_softmax(dim=1)
    mean = torch.logaddexp(a, b) - math.log(2)  # of the probabilities
    apart = (F.kl_div(mean, each, reduction="none", log_target=True) for each in (a, b))
    return sum(apart, torch.zeros_like(a)).sum(dim=1) / 2


OBJECTIVES: dict[str, Callable[[TrainSection, Compute, Tensor | None], Objective]] = {
    "cross_entropy": lambda train, compute, weights: CrossEntropy(
        compute, train.label_smoothing, weights
    ),
    "consistency": lambda train, compute, weights: Consistency(
        CrossEntropy(compute, train.label_smoothing, weights), train.consistency
    ),
}
"""Builders by name."""


def build_objective(train: TrainSection, compute: Compute, weights: Tensor | None) -> Objective:
    """The objective of a recipe; `weights` as in `CrossEntropy`."""
    name = "consistency" if train.consistency else "cross_entropy"
    return OBJECTIVES[name](train, compute, weights)
