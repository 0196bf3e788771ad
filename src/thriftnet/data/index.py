"""The index of a source: its labelled pictures, before any is decoded.

Every source in `data/sources/` builds an `Index` of its files: the pictures, their labels, and what
was omitted. The rest of the package uses only this form.
"""

from __future__ import annotations

import os
import stat
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
    "validate": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",  # as in Hugging Face's `datasets`
    "evaluation": "test",
}


class Origin(NamedTuple):
    """Location of a picture."""

    path: str
    """Path of its file, relative to the root of the index."""
    row: int | None = None
    """Its row in a file with many pictures, from 0."""

    def __str__(self) -> str:
        return self.path if self.row is None else f"{self.path}, row {self.row}"


class Entry(NamedTuple):
    """One labelled picture."""

    origin: Origin
    label: str
    """The name of its class."""
    split: str | None = None
    """`train`, `val` or `test`; None if the source defines no splits."""
    group: str | None = None
    """Pictures of a group stay in one split; None: no group."""


class Omission(NamedTuple):
    """Something that is omitted, and why."""

    where: str
    """The file, with a line or row."""
    reason: str
    about: str = ""
    """What in it the reason is about, such as a file name in a row; empty: all of it."""

    @property
    def place(self) -> str:
        """Where, and what there."""
        return f"{self.where}: {self.about}" if self.about else self.where

    @property
    def fault(self) -> str:
        """What there, and why."""
        return f"{self.about} {self.reason}" if self.about else self.reason

    def __str__(self) -> str:
        return f"{self.where}: {self.fault}"


def grouped(omissions: Sequence[Omission]) -> dict[str, list[Omission]]:
    """Omissions by reason, the most frequent first."""
    found: dict[str, list[Omission]] = {}
    for omission in omissions:
        found.setdefault(omission.reason, []).append(omission)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


Raw = str | bytes | NDArray[np.uint8]
"""A picture before decoding: the path of a file, its content, or pixels (H, W), (H, W, 1), (H, W,
3) or (H, W, 4)."""
Reader = Callable[[Sequence[Entry]], Iterator[Raw]]
"""Yields the picture of each entry; entries are in the order of the index."""


@dataclass
class Index:
    """The labelled pictures of one source."""

    kind: str
    """Name of the kind of source: `class folders`."""
    root: Path
    """Base folder of all origins."""
    entries: list[Entry]
    omissions: list[Omission] = field(default_factory=list[Omission])
    """Pictures that cannot be used."""
    others: Counter[str] = field(default_factory=lambda: Counter[str]())
    """Number of other files, by suffix."""
    notes: list[str] = field(default_factory=list[str])
    """Remarks, such as which columns are used."""
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Size in bytes and modification time (ns) of files by path, if known already."""
    read: Reader | None = None
    """None: every entry is a file."""
    sizes: NDArray[np.int32] | None = None
    """(entries, 2) width and height, if all are known without decoding."""
    spellings: dict[str, str] = field(default_factory=dict[str, str])
    """The class by each text that the source has for it."""

    def label(self, text: str) -> str:
        """The class that a text of the source names, normalised; empty if it is blank."""
        if text not in self.spellings:
            self.spellings[text] = as_label(text)
        return self.spellings[text]

    def stamp(self, path: str) -> tuple[int, int]:
        """Size in bytes and modification time (ns); zeros if it is not an existing regular file."""
        if path not in self.stamps:
            try:  # strings are faster than Path for 100,000 pictures
                facts = os.stat(os.path.join(self.root, path))  # noqa: PTH116, PTH118
                regular = stat.S_ISREG(facts.st_mode)
                self.stamps[path] = (facts.st_size, facts.st_mtime_ns) if regular else (0, 0)
            except (OSError, ValueError):  # a name may be no valid path
                self.stamps[path] = 0, 0
        return self.stamps[path]

    def pictures(self, entries: Sequence[Entry]) -> Iterator[Raw]:
        """The picture of each of these entries, in the order of the index."""
        if self.read is not None:
            return self.read(entries)
        root = str(self.root)
        return (os.path.join(root, entry.origin.path) for entry in entries)  # noqa: PTH118


def find_split(text: str) -> str | None:
    """`train`, `val` or `test` for a folder or value of that name, else None."""
    return _SPLIT_NAMES.get(text.strip().casefold())


def split_in_name(path: str) -> str | None:
    """The split in a path, such as `train` in `data/train-00000.parquet`.

    The file's name counts before its folders; several splits, as in `train_val.csv`, are none.
    """
    for part in reversed(path.split("/")):
        words = "".join(c if c.isalpha() else " " for c in part).split()
        named = {split for word in words if (split := find_split(word))}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def as_label(text: str) -> str:
    """Normalise a class name: Unicode NFC, single spaces, stripped."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join(composed.split())


def is_text(name: str) -> bool:
    """Whether a name can be encoded as UTF-8, which excludes lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)
