"""Training on imbalanced classes: what an image counts in the loss, or how often it is drawn.

Both follow one weight for each class, so that both have the same mean gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

POWER = 0.5
"""A class of n images weighs n ** -POWER: 1 gives every class the same share, 0 leaves theirs.

The square root (Mahajan et al., "Exploring the limits of weakly supervised pretraining", 2018).
`benchmarks/balance.py` compares it with 1 and with the effective number of images (Cui et al.,
"Class-balanced loss based on effective number of samples", 2019).
"""


def class_weights(labels: Tensor, *, classes: int) -> Tensor:
    """The weight of each class; over the training images their mean is 1.

    So the loss is as large as without weights, and so is the learning rate that fits.

    Args:
        labels: (N,) int64 of the training images.
        classes: How many there are.

    Returns:
        (classes,) float32; 0 for a class without images.
    """
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    weights = torch.where(counts > 0, counts.clamp(min=1) ** -POWER, 0.0)
    return (weights * (counts.sum() / (counts @ weights))).float()


@dataclass(frozen=True)
class BalancedOrder:
    """The order of an epoch in which small classes come more often than they have images.

    An epoch has as many steps as without it. Within a class, two images differ by one visit at
    most: which of them come once more is drawn.
    """

    labels: Tensor
    """(N,) int64 of the training images, on the CPU."""
    weights: Tensor
    """(classes,) float32, as `class_weights` has them."""

    def __call__(self, *, generator: torch.Generator) -> Tensor:
        """Positions of an epoch's images in random order.

        Args:
            generator: Draws the order, and what comes once more.

        Returns:
            (N,) int64; a position may be there several times, or not at all.
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
        """Images of each class in an epoch: shares of N that are whole, by largest remainders."""
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
    """What `data.balance` asks for: weights for the loss, on the labels' device, or an order.

    Args:
        kind: `none`, `loss` or `sampling`.
        labels: (N,) int64 of the training images.
        classes: How many there are.
    """
    if kind == "none":
        return None, None
    weights = class_weights(labels, classes=classes)
    if kind == "loss":
        return weights.to(labels.device), None
    return None, BalancedOrder(labels.cpu(), weights)


def repeats_before(batch: Tensor) -> Tensor:
    """How often each position of a batch came earlier in it: (B,) int64."""
    order = batch.argsort(stable=True)
    ordered = batch[order]
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    at = torch.arange(len(batch))
    starts = torch.where(first, at, 0).cummax(0).values
    return torch.empty_like(at).scatter_(0, order, at - starts)


def _shuffled(positions: Tensor, generator: torch.Generator) -> Tensor:
    return positions[torch.randperm(len(positions), generator=generator)]
