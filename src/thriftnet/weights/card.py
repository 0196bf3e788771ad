"""The card of shipped weights: what they are, how they were made, what they reach.

It lies in the model file's own metadata, under `about`, so that a copied file keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from thriftnet.errors import RunError
from thriftnet.models.metadata import read_facts
from thriftnet.weights.digests import check_shipped
from thriftnet.weights.find import FOLDER, weights_file

_KEY = "card"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Facts):
    """What something was computed on."""

    processor: str
    threads: int
    device: str
    torch: str
    accelerator: str | None = None
    """None on a CPU."""
    amx: bool | None = None
    """None where nobody recorded it."""


class Move(_Facts):
    """Where a training that was cut went on."""

    step: int
    """The first there, counted from 0."""
    commit: str
    machine: Machine


class Figures(_Facts):
    """The test metrics under one kind of test-time augmentation in one precision."""

    tta: str
    precision: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95%, Wilson: other test images."""
    top5: float
    loss: float
    """Mean cross-entropy, nats."""
    calibration_error: float
    """Expected calibration error."""


class Card(_Facts):
    """Everything that NAME.md says of NAME.safetensors, but for what holds of every network."""

    name: str
    """Of the weights and of their recipe."""
    description: str
    digest: str
    """Of the recipe."""
    seed: int
    thriftnet: str
    """Version of the package."""
    commit: str
    """That the network was trained from."""
    read_commit: str
    """That measured the metrics."""
    read_date: str
    machine: Machine
    """That the network was trained on, or began to be."""
    moves: tuple[Move, ...] = ()
    """Where else the training went on, in order."""
    read_machine: Machine
    precision: str
    """That the network was trained in; the accuracy quoted first is of it too."""
    train_images: int
    test_images: int
    images_seen: int
    """In training, repetitions included."""
    image_size: int
    """Height and width, pixels."""
    parameters: int
    macs: int
    """Of one image's forward pass."""
    pflop: float
    """Of the training, counted."""
    training_seconds: float
    tta: str
    """The recipe's test-time augmentation."""
    figures: tuple[Figures, ...]
    """Of these weights, in half precision."""
    per_class: dict[str, float]
    """Accuracy of each class, with the recipe's views."""
    whole_accuracy: dict[str, float]
    """Of the weights before they were halved, by test-time augmentation, in `precision`."""

    def figure(self, tta: str, precision: str) -> Figures | None:
        """The metrics under one kind of views; none where that was not evaluated."""
        found = (f for f in self.figures if (f.tta, f.precision) == (tta, precision))
        return next(found, None)

    @property
    def headline(self) -> Figures:
        """With the recipe's views, in the precision of its training."""
        found = self.figure(self.tta, self.precision)
        assert found
        return found

    def in_about(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """The free facts of a model file with this card among them."""
        return {**about, _KEY: self.model_dump(mode="json")}


def card_of(about: Mapping[str, Any]) -> Card | None:
    """The card among a `SavedModel`'s free facts; none if there is none.

    Raises:
        RunError: It is a card of another version.
    """
    if _KEY not in about:
        return None
    try:
        return Card.model_validate(about[_KEY])
    except ValidationError as fault:
        place = ".".join(map(str, fault.errors()[0]["loc"]))
        raise RunError(
            f"the card of these weights does not match this version of thriftnet ({place}); "
            "use the version that they came with"
        ) from None


def read_card(path: Path) -> Card | None:
    """The card of a model file, without building its network.

    Raises:
        RunError: The file is missing or damaged, or its card is of another version.
    """
    try:
        return card_of(read_facts(path).about)
    except RunError as fault:
        raise RunError(f"{path} is missing or damaged ({fault}); install again") from None


def shipped_card(name: str, *, digest: str, folder: Path = FOLDER) -> Card | None:
    """The card of the weights shipped with a recipe; none if there are none.

    Args:
        name: Of the recipe.
        digest: Of the recipe: weights of another version of it do not count.
        folder: Where shipped weights lie.

    Raises:
        RunError: The file is damaged.
    """
    path = weights_file(name, folder)
    if not path.is_file():
        return None
    check_shipped(path)
    card = read_card(path)
    return card if card and card.digest == digest else None


def card_page(name: str, folder: Path = FOLDER) -> Path:
    """The card of shipped weights as a page for people."""
    return folder / f"{name}.md"
