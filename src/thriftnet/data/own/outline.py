"""Counts and sizes of a user's own pictures before decoding."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.class_names import check_classes
from thriftnet.data.own.fit import choose_fit, sample_sizes
from thriftnet.data.own.open import list_pictures


class Outline(NamedTuple):
    """Counts and sizes, some of them estimates."""

    pictures: int
    training: int
    """Approximate number of training pictures."""
    classes: int
    side: float
    """Median side in pixels of the squared pictures before resizing."""
    same_side: bool
    """Whether all sampled pictures have that side."""


def outline_pictures(path: Path, spec: DatasetSpec) -> Outline:
    """Count the pictures of a path and read some of their headers.

    Raises:
        DataError: The path does not exist or has no usable pictures.
    """
    index = list_pictures(path, spec)
    sizes = sample_sizes(index).astype(float)
    fit = choose_fit(sizes)[0] if spec.fit == "auto" else spec.fit
    squares = {"crop": sizes.min(1), "pad": sizes.max(1), "squash": np.sqrt(sizes.prod(1))}[fit]
    splits = [entry.split for entry in index.entries]
    training = sum(split in {None, "train"} for split in splits)
    if "test" not in splits:
        training = round(training * (1 - spec.test_ratio))
    return Outline(
        pictures=len(splits),
        training=max(1, training),
        classes=len(check_classes(index.entries, None, where=str(path))),
        side=float(np.median(squares)),
        same_side=bool(np.all(squares == squares[0])),
    )
