"""Does a network still reach here what its card says?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from thriftnet.weights.card import Card


@dataclass(frozen=True)
class CardCheck:
    """One kind of test-time augmentation: what the card says of it, and what was found."""

    tta: str
    stated: float
    """Accuracy on the card, in [0, 1]."""
    found: float
    images: int

    @property
    def difference(self) -> int:
        """Images more that were classified correctly than the card says."""
        return round((self.found - self.stated) * self.images)

    @property
    def reproduced(self) -> bool:
        """Whether the figure is the card's exactly."""
        return self.difference == 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"tta": self.tta, "accuracy": self.stated, "reproduced": self.reproduced}


def check_card(
    card: Card, metrics: Iterable[tuple[str, float, int]], *, precision: str
) -> tuple[CardCheck, ...]:
    """Compare with the card what was read in the same way; what it has no figure for is left out.

    Args:
        card: Of the network.
        metrics: Test-time augmentation, accuracy in [0, 1] and number of images of each.
        precision: That they were read in.
    """
    return tuple(
        CardCheck(tta, stated.accuracy, accuracy, images)
        for tta, accuracy, images in metrics
        if (stated := card.figure(tta, precision))
    )
