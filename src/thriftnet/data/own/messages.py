"""Messages that describe a data set to the user when it is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, Omission
from thriftnet.data.inspection import count_classes, find_duplicates, warnings
from thriftnet.errors import DataError

_SHOWN = 3
_FITS = {
    "crop": "cropped to their central squares",
    "pad": "padded with white to squares",
    "squash": "squashed to squares",
}


def describe(
    path: Path,
    index: Index,
    omissions: Sequence[Omission],
    classes: Sequence[str],
    labels: NDArray[np.int64],
    positions: Mapping[str, NDArray[np.int64]],
    *,
    near: NDArray[np.int64],
    fit: str,
    why: str,
) -> Iterator[str]:
    """Lines on the content of a data set, how it is used, and what is omitted."""
    counts = ", ".join(f"{name} {len(at):,}" for name, at in positions.items())
    named = {entry.split for entry in index.entries}
    held = "test" in positions and "test" not in named
    yield (
        f"{path}: {index.kind}, {len(labels):,} pictures of {len(classes)} classes; {counts}"
        + (" (held out here, as no test split is named)" if held else "")
    )
    if "test" not in positions:
        yield (
            f"{path}: no picture is held out to test (data.test_ratio is 0, or all of a class are "
            "near-duplicates): a network that trains on it is not evaluated"
        )
    yield f"pictures are {_FITS[fit]}: {why}"
    for note in index.notes:
        yield f"{path}: {note}"
    yield from warnings(
        count_classes(labels, classes, positions), find_duplicates(near, labels, positions)
    )
    if omissions:
        yield f"{path}: {summarise(omissions)}"
    if index.others:
        kinds = [f"{count:,} {suffix}" for suffix, count in index.others.most_common()]
        yield f"{path}: {sum(index.others.values()):,} other files are no pictures: {_some(kinds)}"


def summarise(omissions: Sequence[Omission]) -> str:
    """Such as `2 left out: cat/1.jpg: an empty file; dog/7.jpg: …`."""
    if len(omissions) <= _SHOWN:
        return f"{len(omissions)} left out: {'; '.join(map(str, omissions))}"
    first = {omission.reason: omission.where for omission in reversed(omissions)}
    reasons = Counter(omission.reason for omission in omissions)
    shown = [
        f"{count:,} ({first[reason]}{', …' if count > 1 else ''}): {reason}"
        for reason, count in reasons.most_common(_SHOWN)
    ]
    more = len(reasons) - len(shown)
    rest = f"; and {more:,} other reasons" if more else ""
    return f"{len(omissions):,} left out: {'; '.join(shown)}{rest}"


def refuse_omissions(path: Path, omissions: Sequence[Omission]) -> None:
    """Check that nothing was omitted, for `strict`.

    Raises:
        DataError: Something was.
    """
    if omissions:
        raise DataError(f"{path}: {summarise(omissions)}; mend them, or leave out --strict")


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - 2 * _SHOWN} more" if len(words) > 2 * _SHOWN else ""
    return ", ".join(words[: 2 * _SHOWN]) + more
