"""What a user says about data that their files do not say themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Fit = Literal["crop", "pad", "squash"]
"""How a picture that is not square becomes so: its central square is cut out, white is added, or
its longer side is compressed."""


@dataclass(frozen=True)
class SourceOptions:
    """How to read a source."""

    image_column: str | None = None
    """Of a table or Parquet file: its name, or its number from 1; none: guessed, as the others."""
    label_column: str | None = None
    split_column: str | None = None
    group: str | None = None
    """Which pictures stay in one split: the name of a column, `folder` (the folder that holds the
    file), `folder:2` (the second below the root), or a regular expression that is searched in the
    path and whose first group counts."""


@dataclass(frozen=True)
class DatasetSpec:
    """Which labelled images, and in what form."""

    dataset: str = "cifar10"
    """A key of `registry.DATASETS`, or a path."""
    source: Path | None = None
    """Where to read it in place of `dataset`, or where CIFAR-10 lies; none: as `dataset` says."""
    image_size: int = 32
    """Height and width, in pixels, of the decoded pictures; CIFAR-10 has 32 whatever this says."""
    fit: Literal["auto", "crop", "pad", "squash"] = "auto"
    test_ratio: float = 0.2
    """Share of the pictures that tests, by class, where the source names no split for that."""
    options: SourceOptions = field(default_factory=SourceOptions)
    classes: tuple[str, ...] | None = None
    """Of the network that the images are for; none: the training split's."""
    decisions: Path | None = None
    """A CSV file of decisions about pictures; none: all of them as they are."""
    strict: bool = False
    """Whether anything left out is an error."""
