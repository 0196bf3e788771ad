"""Options for opening a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Fit = Literal["crop", "pad", "squash"]
"""How pictures are made square: crop the centre, pad with white, or squash the longer side."""


@dataclass(frozen=True)
class SourceOptions:
    """Options for reading a source."""

    image_column: str | None = None
    """Column of a table or Parquet file, by name or number from 1; None: guessed, like the
    others."""
    label_column: str | None = None
    split_column: str | None = None
    group: str | None = None
    """Groups that stay in one split: the name of a column, `folder` (of the file), `folder:2` (two
    levels below the root), or a regular expression for the path, whose first group is used."""


@dataclass(frozen=True)
class DatasetSpec:
    """Specification of a data set to open."""

    dataset: str = "cifar10"
    """A key of `registry.DATASETS`, or a path."""
    source: Path | None = None
    """Path that replaces `dataset`, or the location of CIFAR-10."""
    image_size: int = 32
    """Height and width of the decoded pictures in pixels; CIFAR-10 always has 32."""
    fit: Literal["auto", "crop", "pad", "squash"] = "auto"
    test_ratio: float = 0.2
    """Share of the pictures held out for testing, by class, if the source has no test split."""
    options: SourceOptions = field(default_factory=SourceOptions)
    classes: tuple[str, ...] | None = None
    """Classes of the network to use; None: those of the training split."""
    decisions: Path | None = None
    """A CSV file of decisions on pictures."""
    strict: bool = False
    """Whether an omitted picture is an error."""
    known: bool = False
    """Whether one line says what it holds, as all was said before."""
