"""The model card of shipped weights: origin, training and metrics.

Stored in the model file's metadata under `about`, so that copies keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from thriftnet.errors import RunError
from thriftnet.models.metadata import read_facts
from thriftnet.weights.digests import check_shipped
from thriftnet.weights.shipped import FOLDER, weights_file

_KEY = "card"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Facts):
    """A machine."""

    processor: str
    threads: int
    device: str
    torch: str
    accelerator: str | None = None
    """None on a CPU."""
    amx: bool | None = None
    """None if not recorded."""


class Move(_Facts):
    """A resumption of a training on another machine."""

    step: int
    """First step there, counted from 0."""
    commit: str
    machine: Machine


class Initial(_Facts):
    """The weights that a training started from."""

    name: str
    """Of shipped weights."""
    sha256: str
    pflop: float
    """Operations of their own training."""
    keep: float = 0.0
    """Their share in the final network, interpolated between them and the trained weights."""


class Figures(_Facts):
    """Test metrics under one test-time augmentation and precision."""

    tta: str
    precision: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95%, Wilson."""
    top5: float
    loss: float
    """Mean cross-entropy, nats."""
    calibration_error: float
    """Expected calibration error."""


class Card(_Facts):
    """The content of NAME.md that is specific to NAME.safetensors."""

    name: str
    """Name of the weights and of their recipe."""
    description: str
    digest: str
    """Digest of the recipe."""
    seed: int
    thriftnet: str
    """Version of thriftnet."""
    commit: str
    """Commit of the training."""
    read_commit: str
    """Commit of the evaluation."""
    read_date: str
    machine: Machine
    """Machine of the training, at its start."""
    moves: tuple[Move, ...] = ()
    """Other machines of the training, in order."""
    read_machine: Machine
    precision: str
    """Precision of the training and of the headline accuracy."""
    train_images: int
    test_images: int
    images_seen: int
    """Training images, including repetitions."""
    image_size: int
    """Height and width, pixels."""
    parameters: int
    macs: int
    """Per image, forward pass."""
    pflop: float
    """Operations of the training, without those of `initial`."""
    initial: Initial | None = None
    """None: trained from scratch."""
    training_seconds: float
    tta: str
    """The recipe's test-time augmentation."""
    figures: tuple[Figures, ...]
    """Metrics of these weights in half precision."""
    per_class: dict[str, float]
    """Accuracy of each class, with the recipe's views."""
    whole_accuracy: dict[str, float]
    """Accuracy before conversion to half precision, by test-time augmentation, in `precision`."""

    def figure(self, tta: str, precision: str) -> Figures | None:
        """The metrics for views and precision; None if not evaluated."""
        found = (f for f in self.figures if (f.tta, f.precision) == (tta, precision))
        return next(found, None)

    @property
    def headline(self) -> Figures:
        """Metrics with the recipe's views, in the precision of its training."""
        found = self.figure(self.tta, self.precision)
        assert found
        return found

    def in_about(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """The `about` metadata of a model file, with this card."""
        return {**about, _KEY: self.model_dump(mode="json")}


def card_of(about: Mapping[str, Any]) -> Card | None:
    """The card in a `SavedModel`'s `about`; None if there is none.

    Raises:
        RunError: The card has the format of another version.
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
        RunError: The file is missing or damaged, or its card has the format of another version.
    """
    try:
        return card_of(read_facts(path).about)
    except RunError as fault:
        raise RunError(f"{path} is missing or damaged ({fault}); install again") from None


def shipped_card(name: str, *, digest: str, folder: Path = FOLDER) -> Card | None:
    """The card of the weights shipped for a recipe; None if there are none.

    Args:
        name: Name of the recipe.
        digest: Digest of the recipe, which the card must match.
        folder: Folder of shipped weights.

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
    """The Markdown page of a card."""
    return folder / f"{name}.md"
