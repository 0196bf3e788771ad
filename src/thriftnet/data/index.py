"""What a source of labelled pictures holds, before any picture is decoded.

Every source in `data/sources/` makes an `Index` of its own files: which pictures there are, how
each is labelled, and what was left out. The rest of the package knows no other form.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


class Origin(NamedTuple):
    """Where a picture lies."""

    path: str
    """Of its file, below the root of the index."""
    row: int | None = None
    """Its place in a file that holds many, from 0."""

    def __str__(self) -> str:
        return self.path if self.row is None else f"{self.path}, row {self.row}"


class Entry(NamedTuple):
    """One labelled picture."""

    origin: Origin
    label: str
    """The name of its class."""
    split: str | None = None
    """`train`, `val`, `test`; none where the source names no splits."""
    group: str | None = None
    """Pictures of one group stay in one split; none: of no group."""


class Omission(NamedTuple):
    """Something that is left out, and why."""

    where: str
    """The file, with its line or row where it has many."""
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


Raw = str | bytes | NDArray[np.uint8]
"""A picture as its source has it: the path of a file, the content of one, or pixels (H, W),
(H, W, 1), (H, W, 3) or (H, W, 4)."""
Reader = Callable[[Sequence[Entry]], Iterator[Raw]]
"""Yields the picture of each entry; entries come in the order of the index."""


@dataclass
class Index:
    """The labelled pictures of one source."""

    kind: str
    """What the source is, for people: `class folders`."""
    root: Path
    """The folder that all origins lie below."""
    entries: list[Entry]
    omissions: list[Omission] = field(default_factory=lambda: [])
    """What was meant as a picture, and cannot be used."""
    others: Counter[str] = field(default_factory=lambda: Counter[str]())
    """How many files are no pictures, by suffix."""
    notes: list[str] = field(default_factory=lambda: [])
    """What else to know, such as which column was taken for what."""
    stamps: dict[str, tuple[int, int]] = field(default_factory=lambda: {})
    """Bytes and time of the last change (ns) of files, by their path, where known already."""
    read: Reader | None = None
    """None: every entry is a file of its own."""
    sizes: NDArray[np.int32] | None = None
    """(entries, 2): width and height of each, where all are known without decoding."""

    def stamp(self, path: str) -> tuple[int, int]:
        """Bytes and time of the last change (ns) of a file; zeros if it is gone."""
        if path not in self.stamps:
            try:  # strings, not paths: of 100,000 pictures
                facts = os.stat(os.path.join(self.root, path))  # noqa: PTH116, PTH118
                self.stamps[path] = facts.st_size, facts.st_mtime_ns
            except (OSError, ValueError):  # a name may hold what no path can
                self.stamps[path] = 0, 0
        return self.stamps[path]

    def pictures(self, entries: Sequence[Entry]) -> Iterator[Raw]:
        """The picture of each of these entries, in the order of the index."""
        if self.read is not None:
            return self.read(entries)
        root = str(self.root)
        return (os.path.join(root, entry.origin.path) for entry in entries)  # noqa: PTH118


def find_split(text: str) -> str | None:
    """`train`, `val` or `test` for a folder or value of that name; none for any other."""
    return _SPLIT_NAMES.get(text.strip().casefold())


def split_in_name(path: str) -> str | None:
    """The split that a word of a path names, such as `train` in `data/train-00000.parquet`."""
    words = "".join(c if c.isalpha() else " " for c in path).split()
    named = [split for word in words if (split := find_split(word))]
    return named[-1] if named else None


def as_label(text: str) -> str:
    """A class name in one spelling: accents composed, no space around it, no control characters."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join(composed.split())


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; half surrogates cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)
