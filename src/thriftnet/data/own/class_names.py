"""Class names: those of the training split, in natural order, apply to all splits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Entry, Index, is_text
from thriftnet.data.inspection import listed
from thriftnet.data.pictures import natural_key
from thriftnet.errors import DataError

_MOST_CLASSES = 10_000
_MOST_CHARACTERS = 1_000
"""Limits of model files, checked before a training."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Characters without a shape. Joiners are not among them: they spell other words."""
_SHOWN = 3


def check_classes(
    entries: Sequence[Entry], network: tuple[str, ...] | None, *, where: str
) -> tuple[str, ...]:
    """Check and order the classes of pictures.

    Args:
        entries: The pictures.
        network: Classes of the network to use; None without one.
        where: The data set, for messages.

    Raises:
        DataError: There are fewer than two or too many classes, two differ by case or invisible
            characters alone, a name is not UTF-8 or too long, or a picture has a class that the
            training split, or the network, lacks.
    """
    learned = {entry.label for entry in entries if entry.split in (None, "train")}
    long = next((name for name in learned if len(name) > _MOST_CHARACTERS), None)
    if len(learned) > _MOST_CLASSES:
        raise DataError(
            f"{where} has {len(learned):,} classes, and a network at most {_MOST_CLASSES:,}; are "
            "these class labels? Choose another column with --set data.label_column=NAME"
        )
    if long is not None:
        raise DataError(f"{where}: the class {long[:30]}… has {len(long):,} characters; shorten it")
    if network is None:
        classes = tuple(sorted(learned, key=lambda name: (natural_key(name), name)))
        _check_learned(classes, entries, where)
    else:
        classes = network
    known = set(classes)
    if not {entry.label for entry in entries} <= known:
        entry = next(entry for entry in entries if entry.label not in known)
        alike = _alike(entry.label, classes)
        what = "the network" if network else "the training split"
        raise DataError(
            f"{where}: {entry.origin} is of the class {entry.label}, which {what} lacks"
            + (
                f"; {alike} differs only by {_difference(alike, entry.label)}: rename one"
                if alike
                else f"; it has {listed(classes, 8)}"
            )
        )
    return classes


def _check_learned(classes: tuple[str, ...], entries: Sequence[Entry], where: str) -> None:
    if not classes:
        splits = sorted({entry.split for entry in entries if entry.split})
        raise DataError(
            f"{where}: there are no pictures in the train split, only in {', '.join(splits)}; put "
            "the training pictures into train"
        )
    if len(classes) == 1:
        raise DataError(
            f"{where}: all pictures are of one class, {classes[0]}; a classifier needs two or more"
        )
    for name in classes:
        if not is_text(name):  # cannot be stored in a model file
            raise DataError(f"{where}: the class {name} has a name that is not UTF-8; rename it")
    folded: dict[str, str] = {}
    for name in classes:
        other = folded.setdefault(_folded(name), name)
        if other != name:
            raise DataError(
                f"{where}: the classes {other} and {name} differ only by "
                f"{_difference(other, name)}; give both the same name, or names that differ more"
            )


def _folded(name: str) -> str:
    return _INVISIBLE.sub("", name.casefold())


def _difference(one: str, other: str) -> str:
    """What two names of one folded form differ by."""
    if one.casefold() == other.casefold():
        return "case"
    marks = [f"U+{ord(mark):04X}" for mark in _INVISIBLE.findall(one + other)]
    return f"invisible characters ({', '.join(dict.fromkeys(marks))})"


def _alike(name: str, classes: Sequence[str]) -> str | None:
    return next((known for known in classes if _folded(known) == _folded(name)), None)


def merged_spellings(index: Index) -> list[str]:
    """A note if a class is written in several ways, such as `cat` with and without a space."""
    used = {entry.label for entry in index.entries}
    written: dict[str, list[str]] = {}
    for text, label in index.spellings.items():
        if label in used:
            written.setdefault(label, []).append(repr(text))
    several = [listed(texts, _SHOWN) for texts in written.values() if len(texts) > 1]
    if not several:
        return []
    what = "1 class is" if len(several) == 1 else f"{len(several):,} classes are"
    how = "which differ only by spaces, Unicode form or decimals"
    more = f"; and {len(several) - _SHOWN:,} more" if len(several) > _SHOWN else ""
    return [f"{what} written in several ways, {how}: {'; '.join(several[:_SHOWN])}{more}"]


def label_positions(entries: Sequence[Entry], classes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) index of each picture's class in `classes`."""
    at = {name: position for position, name in enumerate(classes)}
    return np.fromiter((at[entry.label] for entry in entries), np.int64, len(entries))
