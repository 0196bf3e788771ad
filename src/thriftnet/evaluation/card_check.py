"""Compares measured accuracies of shipped weights with their card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from thriftnet.weights.card import Card


@dataclass(frozen=True)
class CardCheck:
    """Stated and measured accuracy under one test-time augmentation."""

    tta: str
    stated: float
    """Accuracy on the card, in [0, 1]."""
    found: float
    images: int

    @property
    def difference(self) -> int:
        """Correctly classified images, minus those of the card."""
        return round((self.found - self.stated) * self.images)

    @property
    def reproduced(self) -> bool:
        """Whether the accuracy equals the card's exactly."""
        return self.difference == 0

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"tta": self.tta, "accuracy": self.stated, "reproduced": self.reproduced}


def check_card(
    card: Card, metrics: Iterable[tuple[str, float, int]], *, precision: str
) -> tuple[CardCheck, ...]:
    """Compare metrics with the card's of the same precision, or else of its own precision.

    Views that the card lacks are omitted.

    Args:
        card: The card.
        metrics: Test-time augmentation, accuracy in [0, 1] and number of images of each.
        precision: Precision of the evaluation.
    """
    return tuple(
        CardCheck(tta, stated.accuracy, accuracy, images)
        for tta, accuracy, images in metrics
        if (stated := card.figure(tta, precision) or card.figure(tta, card.precision))
    )
