"""Files that hold many pictures as one array: what NPZ, IDX, CIFAR-100 and SVHN have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Entry, Index, Omission, Origin, Raw
from thriftnet.errors import DataError

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Part:
    """One array of pictures and its labels."""

    path: str
    """Of its file, below the root."""
    name: str
    """Of the array, for messages: `train.npz, x_train`."""
    split: str | None
    labels: Sequence[str]
    """Of each picture; one that begins with `!` says why there is none."""
    size: tuple[int, int]
    """Width and height of every picture."""
    rows: Callable[[], Iterator[NDArray[np.uint8]]]
    """Reads the pictures, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), one after the other."""
    groups: Sequence[str] | None = None


def index_of(kind: str, root: Path, parts: Sequence[Part]) -> Index:
    """The index of some arrays."""
    index = Index(kind, root, [])
    starts: dict[str, int] = {}
    readers: dict[str, list[Part]] = {}
    sizes: list[tuple[int, int]] = []
    for part in parts:
        offset = starts.get(part.path, 0)  # a file may hold several arrays
        starts[part.path] = offset + len(part.labels)
        readers.setdefault(part.path, []).append(part)
        for row, label in enumerate(part.labels):
            if label.startswith("!"):
                index.omissions.append(Omission(f"{part.name}, row {row}", label[1:]))
                continue
            group = part.groups[row] if part.groups is not None else None
            index.entries.append(Entry(Origin(part.path, offset + row), label, part.split, group))
            sizes.append(part.size)
    index.sizes = np.array(sizes, np.int32).reshape(-1, 2)

    def read(entries: Sequence[Entry]) -> Iterator[Raw]:
        wanted: dict[str, list[int]] = {}
        for entry in entries:
            assert entry.origin.row is not None
            wanted.setdefault(entry.origin.path, []).append(entry.origin.row)
        for path, rows in wanted.items():
            yield from _chosen(readers[path], rows)

    index.read = read
    return index


def _chosen(parts: Sequence[Part], rows: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """The rows of a file's arrays at these rising positions."""
    left = iter(rows)
    wanted = next(left, None)
    at = 0
    for part in parts:
        for picture in part.rows():
            if at == wanted:
                yield picture
                wanted = next(left, None)
                if wanted is None:
                    return
            at += 1


def label_names(
    values: NDArray[np.generic], where: str, names: Sequence[str] | None = None
) -> list[str]:
    """Labels as class names.

    Args:
        values: (N,) or (N, 1) integers or texts.
        where: The array, for messages.
        names: Of the classes that the integers count from 0; none: the numbers are the names.

    Returns:
        (N,) names; a label that is out of range is one of `!` and the reason.

    Raises:
        DataError: They are no such values.
    """
    flat = values.reshape(len(values)) if values.shape[1:] == (1,) else values
    if flat.ndim != 1 or flat.dtype.kind not in "iubUS":
        raise DataError(
            f"{where} is {values.shape} {values.dtype}; give one integer or name for each picture"
        )
    if flat.dtype.kind == "S":
        return [bytes(value).decode("utf-8", "replace") for value in flat.tolist()]
    if flat.dtype.kind == "U" or names is None:
        return [str(value) or "!no label" for value in flat.tolist()]
    return [
        names[value] if 0 <= value < len(names) else f"!label {value}, and {len(names)} classes"
        for value in map(int, flat.tolist())
    ]


def check_counts(labels: Sequence[str], count: int, where: str) -> None:
    """See that there is a label for each picture.

    Raises:
        DataError: There is not.
    """
    if len(labels) != count:
        raise DataError(
            f"{where}: {len(labels):,} labels for {count:,} pictures; give one for each"
        )


def picture_layout(shape: Sequence[int], dtype: np.dtype[np.generic], where: str) -> bool:
    """Whether pictures of an array's shape, (N, …), have their channels first.

    Raises:
        DataError: It is no array of pictures.
    """
    if dtype == np.uint8 and min(shape[1:], default=0) > 0:
        if len(shape) == 3 or (len(shape) == 4 and shape[3] in _CHANNELS):
            return False
        if len(shape) == 4 and shape[1] in _CHANNELS:
            return True
    raise DataError(
        f"{where} is {tuple(shape)} {dtype}; give pictures as uint8 from 0 to 255: (N, H, W), "
        "(N, H, W, 3) or (N, 3, H, W)"
    )
