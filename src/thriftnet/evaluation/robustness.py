"""Accuracy under corruption: fifteen kinds at five severities, JPEG copies, small shifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import Dataset
from thriftnet.data.cifar10.published import CorruptedFiles
from thriftnet.evaluation.corruptions.digital import jpeg_copies
from thriftnet.evaluation.corruptions.table import (
    CORRUPTIONS,
    OWN,
    SEVERITIES,
    corrupt,
    every_corruption,
)
from thriftnet.inference.engine import Engine, Told, untold
from thriftnet.runtime.resize import as_pixels

JPEG_QUALITY = 75
_SHIFTS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
STEPS = len(CORRUPTIONS) * SEVERITIES + len(_SHIFTS) + 2
"""Sets of images that one evaluation classifies."""

Classify = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""(N, H, W, 3) uint8 to (N,) classes."""
Generate = Callable[[NDArray[np.uint8], str], NDArray[np.uint8]]
"""Images, and a corruption such as `contrast:3`, to corrupted images."""


@dataclass(frozen=True)
class Difference:
    """One published set less the one that is generated here."""

    accuracy: float
    """Accuracy on the published images − on the generated ones."""
    levels: float
    """Mean absolute difference of the pixels, of 255."""


@dataclass(frozen=True)
class Robustness:
    """A network's accuracy under corruption."""

    images: int
    """Of each set."""
    clean: float
    """Accuracy on the images as they are, in [0, 1]."""
    cells: dict[str, tuple[float, ...]]
    """Accuracy under each corruption at severities 1 to 5."""
    interval: tuple[float, float]
    """95% of the mean, over images: each counts once, with its 75 copies."""
    jpeg: float
    """Accuracy on JPEG copies of quality 75."""
    flip_rate: float
    """Share of predictions that a shift by one pixel changes, over eight directions."""
    differences: dict[str, tuple[Difference, ...]] | None = None
    """Of published sets from generated ones, at each severity; none: the sets are generated."""

    @property
    def mean(self) -> float:
        """Mean corruption accuracy, each corruption and severity counting alike."""
        return float(np.mean(list(self.cells.values())))

    def mean_without(self, *names: str) -> float:
        """The same over the other corruptions."""
        return float(np.mean([row for name, row in self.cells.items() if name not in names]))

    @property
    def largest_difference(self) -> tuple[str, float] | None:
        """The corruption whose accuracy over the severities differs most from the published."""
        if self.differences is None:
            return None
        found = {
            n: float(np.mean([d.accuracy for d in row])) for n, row in self.differences.items()
        }
        return max(found.items(), key=lambda pair: abs(pair[1]))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
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
    """Classes by a network whose images have that side in pixels."""

    def classify(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        return engine.logits(as_pixels(images, side), tta).argmax(dim=1).numpy()

    return classify


def evaluate_robustness(
    classify: Classify,
    dataset: Dataset,
    *,
    published: CorruptedFiles | None = None,
    chosen: NDArray[np.int64] | None = None,
    generate: Generate = corrupt,
    told: Told = untold,
) -> Robustness:
    """Classify every corrupted set.

    Args:
        classify: The network.
        dataset: The images before corruption.
        published: Sets to take in place of generated ones, of the same images in their order.
        chosen: Positions of the images that are used; none: all.
        generate: Makes the sets.
        told: Called with the number of sets that are done, and of all.

    Raises:
        DataError: A published file is missing, damaged or of another shape.
    """
    if published is not None:
        published.check(tuple(CORRUPTIONS))
    if chosen is not None:
        dataset = dataset.subset(chosen)
    done = 0

    def hits(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        nonlocal done
        right = classify(images) == dataset.labels
        told(done := done + 1, STEPS)
        return right

    plain = classify(dataset.images)
    told(done := done + 1, STEPS)
    scores = np.zeros(len(dataset))
    cells: dict[str, list[float]] = {name: [] for name in CORRUPTIONS}
    differences: dict[str, list[Difference]] = {name: [] for name in CORRUPTIONS}
    for name, severity in every_corruption():
        images = generate(dataset.images, f"{name}:{severity}")
        if published is not None:
            given = published.images(name, severity)
            given = np.asarray(given if chosen is None else given[chosen])
            right = hits(given)
            generated = float((classify(images) == dataset.labels).mean())
            levels = float(np.abs(given.astype(np.int16) - images).mean())
            differences[name].append(Difference(float(right.mean()) - generated, levels))
        else:
            right = hits(images)
        cells[name].append(float(right.mean()))
        scores += right
    jpeg = float(hits(jpeg_copies(dataset.images, quality=JPEG_QUALITY)).mean())
    flips: list[float] = []
    for images in shifted_copies(dataset.images):
        flips.append(float((classify(images) != plain).mean()))
        told(done := done + 1, STEPS)
    return Robustness(
        images=len(dataset),
        clean=float((plain == dataset.labels).mean()),
        cells={name: tuple(row) for name, row in cells.items()},
        interval=mean_interval(scores / (len(CORRUPTIONS) * SEVERITIES)),
        jpeg=jpeg,
        flip_rate=float(np.mean(flips)),
        differences=(
            None if published is None else {n: tuple(row) for n, row in differences.items()}
        ),
    )


def shifted_copies(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The images moved by a pixel in each of eight directions; borders are mirrored."""
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    for down, right in _SHIFTS:
        yield padded[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]


def mean_interval(scores: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """95% interval of the mean of one score an image, each in [0, 1]."""
    values = np.asarray(scores, dtype=np.float64)
    half = 1.959964 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 1.0
    mean = float(values.mean())
    return max(0.0, mean - float(half)), min(1.0, mean + float(half))


def choose_images(labels: NDArray[np.int64], count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Positions of `count` images, sorted, every class with its share as nearly as can be."""
    if count >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    # Interleave the classes: the place of an image within its own class decides.
    ranks = np.empty(len(labels))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        ranks[own] = (np.arange(len(own)) + 0.5) / len(own)
    return np.sort(order[np.argsort(ranks[order], kind="stable")[:count]])
