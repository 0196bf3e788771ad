"""The images that a network was trained on, found again."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import OpenDataset
from thriftnet.errors import DataError
from thriftnet.models.saved import SavedModel
from thriftnet.runs.folder import RunFolder
from thriftnet.training.data import open_data, other_images, trained_section
from thriftnet.training.images import split_sets


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """What a network learned from."""

    images: NDArray[np.uint8]
    """(N, H, W, 3)."""
    labels: NDArray[np.int64]
    title: Callable[[int], str]
    """Where one of them lies."""
    digest: str
    """Names them and their order."""


def training_images(
    model: SavedModel,
    run: RunFolder | None,
    *,
    name: str,
    data: Path | None,
    say: Callable[[str], None],
) -> TrainingImages:
    """The images that a network was trained on.

    Of a model file alone it is not known which were held out to validate, or dropped by decisions:
    these are among them.

    Args:
        model: The network.
        run: That it came from; none: it is a file of its own, or shipped.
        name: How the network was named.
        data: Where its images lie now; none: where they lay, or CIFAR-10.
        say: Told what is there.

    Raises:
        DataError: They cannot be had, or are others than it was trained on.
    """
    trained_on = model.about.get("data")
    remedy = "give them with --data PATH, or leave the nearest ones out with --nearest 0"
    settings = trained_section(model, run, source=data, remedy=remedy)
    opened = open_data(settings, data, model=model, known=True, say=say)
    if trained_on is None and opened.name == "cifar10":  # a file of an earlier version
        trained_on = opened.digests()
    if run is None and trained_on == {**opened.digests(), "decisions": _decided(trained_on)}:
        say(f"{name} does not have the decisions on these pictures; dropped ones are among them")
        trained_on = opened.digests()
    if opened.digests() != trained_on:
        raise DataError(
            other_images(
                name,
                opened.name,
                trained_on=trained_on,
                now=opened.digests(),
                decisions=settings.decisions,
                remedy=remedy,
            )
        )
    whole, learned = opened.part("train")
    chosen = learned if run is None else split_sets(run.recipe(), opened)[0][1]
    at = np.searchsorted(learned, chosen)  # positions in the train split
    key = f"{json.dumps(opened.digests(), sort_keys=True)} {model.image_size} {model.fit}"
    digest = hashlib.sha256(key.encode() + at.astype(np.int64).tobytes())
    return TrainingImages(
        images=whole.images[chosen],
        labels=whole.labels[chosen],
        title=_titles(opened, at),
        digest=digest.hexdigest(),
    )


def _decided(trained_on: object) -> object:
    """The digest of the decisions in those of a training; None: there are none."""
    return trained_on.get("decisions") if isinstance(trained_on, dict) else None


def _titles(opened: OpenDataset, at: NDArray[np.int64]) -> Callable[[int], str]:
    """Where each of some training images lies; their numbers if there is no list of pictures."""
    if opened.collection is None:
        return lambda place: f"training image {at[place]}"
    collection = functools.cache(opened.collection)

    def title(place: int) -> str:
        every = collection()
        return every.title(int(every.positions["train"][at[place]]))

    return title
