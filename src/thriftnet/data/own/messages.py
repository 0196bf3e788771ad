"""Messages that describe a data set to the user when it is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Omission, grouped
from thriftnet.data.inspection import (
    FITS,
    Collection,
    count_classes,
    find_duplicates,
    listed,
    warnings,
)
from thriftnet.errors import DataError

_SHOWN = 3


def describe(
    found: Collection,
    *,
    near: NDArray[np.int64],
    groups: NDArray[np.int64],
    why: str,
    held_out: float | None,
) -> Iterator[str]:
    """Lines on the content of a data set, how it is used, and what is omitted.

    Args:
        found: The pictures.
        near: (N,) group of near-duplicates of each.
        groups: (N,) the same, with the user's groups.
        why: The reason for how they are made square.
        held_out: The share to hold out for testing; None if the source names a test split.
    """
    path, labels, positions = found.name, found.labels, found.positions
    counts = ", ".join(f"{name} {len(at):,}" for name, at in positions.items())
    held = held_out is not None and "test" in positions
    yield (
        f"{path}: {found.kind}, {len(labels):,} pictures of {len(found.classes):,} classes; "
        f"{counts}" + (" (held out here, as no test split is named)" if held else "")
    )
    if "test" not in positions:
        yield (
            f"{path}: no picture is held out to test, so a network that trains on it is not "
            f"evaluated: {_why_none(labels, groups, held_out or 0.0)}"
        )
    yield f"pictures are {FITS[found.fit]}: {why}"
    for note in found.notes:
        yield f"{path}: {note}"
    yield from warnings(
        count_classes(labels, found.classes, positions), find_duplicates(near, labels, positions)
    )
    if found.omissions:
        yield f"{path}: {summarise(found.omissions)}"
    if found.others:
        kinds = [f"{count:,} {suffix}" for suffix, count in Counter(found.others).most_common()]
        total = sum(found.others.values())
        files = "other file is not a picture" if total == 1 else "other files are not pictures"
        yield f"{path}: {total:,} {files}: {listed(kinds)}"


def _why_none(labels: NDArray[np.int64], groups: NDArray[np.int64], ratio: float) -> str:
    """Why no picture is held out, and what to do about it."""
    if ratio == 0:
        return "data.test_ratio is 0"
    kinds = np.unique(np.stack([labels, groups], axis=1), axis=0)[:, 0]
    if np.bincount(kinds).max() < 2:
        return "each class is one picture, or one group that stays together; add pictures"
    fewer = np.bincount(labels).max() * ratio < 0.5
    what = "less than one" if fewer else "less than a group that stays together"
    return f"{ratio:.0%} of each class is {what}; add pictures, or --set data.test_ratio=0.5"


def summarise(omissions: Sequence[Omission]) -> str:
    """Such as `2 left out: cat/1.jpg: an empty file; dog/7.jpg: …`."""
    if len(omissions) <= _SHOWN:
        return f"{len(omissions)} left out: {'; '.join(map(str, omissions))}"
    by_reason = grouped(omissions)
    if len(by_reason) == 1:
        return f"{len(omissions):,} left out ({omissions[0].place}, …): {omissions[0].reason}"
    shown = [
        f"{len(found):,} ({found[0].place}{', …' if len(found) > 1 else ''}): {reason}"
        for reason, found in list(by_reason.items())[:_SHOWN]
    ]
    more = len(by_reason) - len(shown)
    rest = f"; and {more:,} other reason{'s' if more > 1 else ''}" if more else ""
    return f"{len(omissions):,} left out: {'; '.join(shown)}{rest}"


def refuse_omissions(path: Path, omissions: Sequence[Omission]) -> None:
    """Check that nothing was omitted, for `strict`.

    Raises:
        DataError: Something was.
    """
    if omissions:
        raise DataError(f"{path}: {summarise(omissions)}; fix them, or leave out --strict")
