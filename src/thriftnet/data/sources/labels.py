"""Converts labels of arrays to class names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import as_label
from thriftnet.errors import DataError
from thriftnet.files import read_bounded

_NAME_FILES = ("classes.txt", "class_names.txt", "label_names.txt", "labels.txt", "names.txt")
_MOST_BYTES = 2**20


class UnusableLabel(NamedTuple):
    """Replaces a missing or invalid label."""

    reason: str


Label = str | UnusableLabel


def label_names(
    values: NDArray[np.generic], where: str, names: Sequence[str] | None = None
) -> list[Label]:
    """Convert labels to class names, texts as they are written.

    Args:
        values: (N,) or (N, 1) integers, integral floats or strings, or (N, classes) one-hot.
        where: The array, for messages.
        names: Class names by index; None: the numbers are the names.

    Returns:
        (N,) names, or why there is none.

    Raises:
        DataError: The values are none of these.
    """
    flat = values.reshape(len(values)) if values.shape[1:] == (1,) else values
    if flat.ndim == 2 and flat.dtype.kind in "iubf" and _is_one_hot(flat):
        flat = flat.argmax(axis=1)
    if flat.ndim == 1 and flat.dtype.kind == "f":
        whole = np.isnan(flat) | (np.isfinite(flat) & (flat == np.floor(flat)))
        if whole.all():
            return [
                UnusableLabel("no label") if np.isnan(value) else _named(int(value), names)
                for value in flat.tolist()
            ]
    if flat.ndim != 1 or flat.dtype.kind not in "iubUS":
        raise DataError(
            f"{where} is {values.shape} {values.dtype}; give one integer or name for each picture"
        )
    if flat.dtype.kind == "S":
        flat = np.char.decode(flat.astype(np.bytes_), "utf-8", "replace")
    if flat.dtype.kind == "U":
        return [text if text.strip() else UnusableLabel("no label") for text in flat.tolist()]
    if names is None:
        return [str(value) for value in flat.tolist()]
    return [_named(value, names) for value in map(int, flat.tolist())]


def _named(value: int, names: Sequence[str] | None) -> Label:
    if names is None:
        return str(value)
    if 0 <= value < len(names):
        return names[value]
    return UnusableLabel(f"label {value}, and {len(names)} classes")


def _is_one_hot(values: NDArray[np.generic]) -> bool:
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())


def read_names_file(folder: Path) -> list[str] | None:
    """Class names from a text file in the folder of arrays, one per line.

    Lines may begin with their number, from 0. None if there is no such file.

    Raises:
        DataError: It cannot be read, is not text, or repeats a name.
    """
    file = next((folder / name for name in _NAME_FILES if (folder / name).is_file()), None)
    if file is None:
        return None
    try:
        text = read_bounded(file, most=_MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise DataError(
            f"{file} cannot be read: {reason}; write a class name in each line"
        ) from None
    lines = [line for line in text.splitlines() if line.strip()]
    numbered = [re.fullmatch(r"\s*0*([0-9]+)\s*[\s,;:=]\s*(.+)", line) for line in lines]
    if all(match and match[1] == str(at) for at, match in enumerate(numbered)):
        lines = [match[2] for match in numbered if match]
    return class_names(lines, str(file)) or None


def class_names(values: Sequence[Label], where: str) -> list[str]:
    """Check the class names of numeric labels.

    Raises:
        DataError: One is blank or repeated: two classes would become one.
    """
    names = ["" if isinstance(value, UnusableLabel) else as_label(value) for value in values]
    if "" in names:
        raise DataError(f"{where} has no name for the class {names.index('')}; write one")
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        raise DataError(f"{where} has the class {repeated} twice; write each name once")
    return names


def check_counts(labels: Sequence[object], count: int, where: str) -> None:
    """Check that there is a label for each picture.

    Raises:
        DataError: The numbers differ.
    """
    if len(labels) != count:
        raise DataError(
            f"{where}: {len(labels):,} labels for {count:,} pictures; give one for each"
        )
