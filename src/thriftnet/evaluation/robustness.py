"""Robustness metrics: fifteen corruptions at five severities, JPEG compression, small shifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import Dataset
from thriftnet.data.cifar10.published import CorruptedFiles
from thriftnet.evaluation.corruptions.digital import jpeg_copies
from thriftnet.evaluation.corruptions.table import (
    OWN,
    PUBLISHED,
    SEVERITIES,
    corrupt,
    every_corruption,
)
from thriftnet.evaluation.intervals import score_interval
from thriftnet.inference.engine import Engine, OnProgress, check_finite, no_progress
from thriftnet.runtime.resize import as_pixels

JPEG_QUALITY = 75
_SHIFTS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
STEPS = len(PUBLISHED) * SEVERITIES + len(_SHIFTS) + 2
"""Sets of images that an evaluation classifies."""

Classify = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""(N, H, W, 3) uint8 to (N,) classes."""
Generate = Callable[[NDArray[np.uint8], str], NDArray[np.uint8]]
"""Applies a corruption such as `contrast:3` to images."""


@dataclass(frozen=True)
class Difference:
    """Difference between a published and a generated set."""

    accuracy: float
    """Accuracy on published minus accuracy on generated images."""
    levels: float
    """Mean absolute difference of the pixels, of 255."""


@dataclass(frozen=True)
class Robustness:
    """A network's accuracy under corruption."""

    images: int
    """Images per set."""
    clean: float
    """Accuracy on uncorrupted images, in [0, 1]."""
    cells: dict[str, tuple[float, ...]]
    """Accuracy under each corruption at severities 1 to 5."""
    interval: tuple[float, float]
    """95% interval of the mean, over images; the 75 copies of an image count as one."""
    jpeg: float
    """Accuracy on images with JPEG compression of quality 75."""
    flip_rate: float
    """Share of predictions changed by a shift of one pixel, over eight directions."""
    differences: dict[str, tuple[Difference, ...]] | None = None
    """Published minus generated, per severity; None if the sets are generated."""

    @property
    def mean(self) -> float:
        """Mean accuracy over corruptions and severities."""
        return float(np.mean(list(self.cells.values())))

    def mean_without(self, *names: str) -> float:
        """Mean accuracy without some corruptions."""
        return float(np.mean([row for name, row in self.cells.items() if name not in names]))

    @property
    def largest_difference(self) -> tuple[str, float] | None:
        """The corruption whose mean accuracy differs most from the published one."""
        if self.differences is None:
            return None
        found = {
            n: float(np.mean([d.accuracy for d in row])) for n, row in self.differences.items()
        }
        return max(found.items(), key=lambda pair: abs(pair[1]))

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        differences = None
        if self.differences is not None:
            differences = {n: [vars(d) for d in row] for n, row in self.differences.items()}
        return {
            "images": self.images,
            "clean": self.clean,
            "mean": self.mean,
            "interval": list(self.interval),
            "mean_without_own": self.mean_without(*OWN),
            "jpeg_75": self.jpeg,
            "flip_rate": self.flip_rate,
            "source": "generated" if differences is None else "published",
            "corruptions": {name: list(row) for name, row in self.cells.items()},
            "differences": differences,
        }


def classifier_of(engine: Engine, *, side: int, tta: str) -> Classify:
    """A function that classifies images with a network; it raises RunError for NaN outputs."""

    def classify(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        return check_finite(engine.logits(as_pixels(images, side), tta)).argmax(dim=1).numpy()

    return classify


def evaluate_robustness(
    classify: Classify,
    dataset: Dataset,
    *,
    published: CorruptedFiles | None = None,
    chosen: NDArray[np.int64] | None = None,
    generate: Generate = corrupt,
    on_progress: OnProgress = no_progress,
) -> Robustness:
    """Classify every corrupted set.

    Args:
        classify: The network.
        dataset: The images before corruption.
        published: Replaces generated sets; of the same images in the same order.
        chosen: Positions of the images to use; None: all.
        generate: Generates the sets.
        on_progress: Called with the number of sets done and the total.

    Raises:
        DataError: A published file is missing, damaged or has another shape.
    """
    if published is not None:
        published.check(tuple(PUBLISHED))
    if chosen is not None:
        dataset = dataset.subset(chosen)
    labels, done = dataset.labels, 0

    def predict(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        nonlocal done
        found = classify(images)
        on_progress(done := done + 1, STEPS)
        return found

    plain = predict(dataset.images)
    scores = np.zeros(len(dataset))
    cells: dict[str, list[float]] = {name: [] for name in PUBLISHED}
    differences: dict[str, list[Difference]] = {name: [] for name in PUBLISHED}
    for name, severity in every_corruption():
        images = generate(dataset.images, f"{name}:{severity}")
        if published is not None:
            given = published.images(name, severity)
            given = np.asarray(given if chosen is None else given[chosen])
            right = predict(given) == labels
            generated = float((classify(images) == labels).mean())
            levels = float(np.abs(given.astype(np.int16) - images).mean())
            differences[name].append(Difference(float(right.mean()) - generated, levels))
        else:
            right = predict(images) == labels
        cells[name].append(float(right.mean()))
        scores += right
    jpeg = predict(jpeg_copies(dataset.images, quality=JPEG_QUALITY)) == labels
    flips = [float((predict(each) != plain).mean()) for each in shifted_copies(dataset.images)]
    return Robustness(
        images=len(dataset),
        clean=float((plain == labels).mean()),
        cells={name: tuple(row) for name, row in cells.items()},
        interval=score_interval(scores / (len(PUBLISHED) * SEVERITIES)),
        jpeg=float(jpeg.mean()),
        flip_rate=float(np.mean(flips)),
        differences={n: tuple(row) for n, row in differences.items()} if published else None,
    )


def shifted_copies(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The images shifted by one pixel in each of eight directions, with mirrored borders."""
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    for down, right in _SHIFTS:
        yield padded[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]


def choose_images(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Sorted positions of `count` images, stratified by class."""
    if count >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))
    # Interleave the classes by the rank of each image within its class.
    ranks = np.empty(len(labels))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        ranks[own] = (np.arange(len(own)) + 0.5) / len(own)
    return np.sort(order[np.argsort(ranks[order], kind="stable")[:count]])
