"""Training on imbalanced classes: a weighted loss, or oversampling.

Both use the same class weights, so that they have the same mean gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

POWER = 0.5
"""The weight of an image in a class of n is n ** -POWER: 1 balances classes fully, 0 not at all.

The square root (Mahajan et al., "Exploring the limits of weakly supervised pretraining", 2018).
`benchmarks/balance.py` compares it with 1 and with the effective number of images (Cui et al.,
"Class-balanced loss based on effective number of samples", 2019).
"""


def class_weights(labels: Tensor, *, classes: int) -> Tensor:
    """Weights per class, with mean 1 over the training images.

    So the loss, and the suitable learning rate, have the same scale as without weights.

    Args:
        labels: (N,) int64 of the training images.
        classes: Number of classes.

    Returns:
        (classes,) float32; 0 for a class without images.
    """
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    weights = torch.where(counts > 0, counts.clamp(min=1) ** -POWER, 0.0)
    return (weights * (counts.sum() / (counts @ weights))).float()


@dataclass(frozen=True)
class BalancedOrder:
    """The order of an epoch that oversamples small classes.

    An epoch has as many steps as without it. Within a class, visits of two images differ by at most
    one; which get one more is random.
    """

    labels: Tensor
    """(N,) int64 of the training images, on the CPU."""
    weights: Tensor
    """(classes,) float32, from `class_weights`."""

    def __call__(self, *, generator: torch.Generator) -> Tensor:
        """Positions of an epoch's images in random order.

        Args:
            generator: Draws the order and the repeated images.

        Returns:
            (N,) int64; positions may be repeated or missing.
        """
        chosen: list[Tensor] = []
        for label, count in enumerate(self._counts()):
            members = torch.nonzero(self.labels == label).flatten()
            if count:
                rounds = -(-count // len(members))
                drawn = torch.cat([_shuffled(members, generator) for _ in range(rounds)])
                chosen.append(drawn[:count])
        return _shuffled(torch.cat(chosen), generator)

    def _counts(self) -> list[int]:
        """Images per class in an epoch, rounded by largest remainders."""
        present = torch.bincount(self.labels, minlength=len(self.weights)).double()
        shares = present * self.weights.double()
        shares *= len(self.labels) / shares.sum()
        counts = shares.floor()
        left = len(self.labels) - int(counts.sum())
        counts[(shares - counts).argsort(descending=True, stable=True)[:left]] += 1
        return counts.long().tolist()


def balanced(
    kind: str, labels: Tensor, *, classes: int
) -> tuple[Tensor | None, BalancedOrder | None]:
    """Build what `data.balance` requires: loss weights on the labels' device, or an order.

    Args:
        kind: `none`, `loss` or `sampling`.
        labels: (N,) int64 of the training images.
        classes: Number of classes.
    """
    if kind == "none":
        return None, None
    weights = class_weights(labels, classes=classes)
    if kind == "loss":
        return weights.to(labels.device), None
    return None, BalancedOrder(labels.cpu(), weights)


def repeats_before(batch: Tensor) -> Tensor:
    """Number of earlier occurrences of each position in a batch: (B,) int64."""
    order = batch.argsort(stable=True)
    ordered = batch[order]
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    at = torch.arange(len(batch))
    starts = torch.where(first, at, 0).cummax(0).values
    return torch.empty_like(at).scatter_(0, order, at - starts)


def _shuffled(positions: Tensor, generator: torch.Generator) -> Tensor:
    return positions[torch.randperm(len(positions), generator=generator)]
