"""The test accuracy that was measured of a network: from its card, or from its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thriftnet.errors import ThriftnetError
from thriftnet.models.saved import SavedModel
from thriftnet.runs.folder import RunFolder
from thriftnet.weights.card import card_of

EXACT = "fp32"
"""Precision of the network that an export is compared with."""


@dataclass(frozen=True)
class Measured:
    """A test accuracy, and of what it is."""

    accuracy: float
    interval: tuple[float, float] | None
    """95%, Wilson; None if it was not recorded."""
    precision: str
    images: str
    """Such as `the 2,000 test images of photos`."""

    def __str__(self) -> str:
        known = self.interval and " to ".join(f"{limit:.2%}" for limit in self.interval)
        return f"{self.accuracy:.2%}" + (f" (95% {known})" if known else "")


def measured_accuracy(model: SavedModel, run: RunFolder | None, tta: str) -> Measured | None:
    """The accuracy of a network with some views; None if it was not evaluated with them.

    Args:
        model: The network, with its card if it is of the package.
        run: Its run, if it has one: the latest evaluation counts, rather one in fp32.
        tta: A key of `VIEWS`.
    """
    card = card_of(model.about)
    if card is not None:
        stated = card.figure(tta, EXACT)
        images = f"the {card.test_images:,} test images of CIFAR-10"  # cards are of shipped weights
        if stated is None:
            return None
        return Measured(stated.accuracy, stated.accuracy_interval, EXACT, images)
    if run is None:
        return None
    try:
        tests = ((key, line) for key, line in run.evaluations().items() if key.is_test)
        found = {key.precision: line for key, line in tests if key.tta == tta}
        data = run.recipe().data.dataset
    except ThriftnetError:  # a damaged record says nothing of the network
        return None
    if not found:
        return None
    precision = EXACT if EXACT in found else list(found)[-1]
    line = found[precision]
    limits = line.get("accuracy_interval")
    name = "CIFAR-10" if data == "cifar10" else Path(data).name
    return Measured(
        accuracy=float(line["accuracy"]),
        interval=(float(limits[0]), float(limits[1])) if limits else None,
        precision=precision,
        images=f"the test images of {name}",
    )
