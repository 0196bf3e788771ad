"""Files with arrays of pictures: what NPZ, IDX, CIFAR-100 and SVHN have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Entry, Index, Omission, Origin, Raw
from thriftnet.data.sources.labels import Label, UnusableLabel
from thriftnet.errors import DataError

Picture = TypeVar("Picture")
_CHANNELS = (1, 3, 4)
_MOST_PICTURES = 10**7
"""Limit per file: a list of them takes 2 GB."""
_FEW = 100_000
"""Pictures that a file may have whatever its size; of more, each takes a byte at least."""
_MOST_BYTES = 2**28
"""Limit of one picture."""


@dataclass(frozen=True)
class Part:
    """One array of pictures and its labels."""

    path: str
    """Path of its file, relative to the root."""
    name: str
    """Name of the array in messages: `train.npz, x_train`."""
    split: str | None
    labels: Sequence[Label]
    """Label of each picture."""
    size: tuple[int, int]
    """Width and height of every picture."""
    rows: Callable[[], Iterator[NDArray[np.uint8]]]
    """Reads the pictures, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), in order."""
    groups: Sequence[str] | None = None


def index_of(kind: str, root: Path, parts: Sequence[Part]) -> Index:
    """Build the index of arrays."""
    index = Index(kind, root, [])
    starts: dict[str, int] = {}
    readers: dict[str, list[Part]] = {}
    sizes: list[tuple[int, int]] = []
    for part in parts:
        offset = starts.get(part.path, 0)  # a file may have several arrays
        starts[part.path] = offset + len(part.labels)
        readers.setdefault(part.path, []).append(part)
        for row, label in enumerate(part.labels):
            if isinstance(label, UnusableLabel):
                index.omissions.append(Omission(f"{part.name}, row {row}", label.reason))
                continue
            group = part.groups[row] if part.groups is not None else None
            origin = Origin(part.path, offset + row)
            index.entries.append(Entry(origin, index.label(label), part.split, group))
            sizes.append(part.size)
    index.sizes = np.array(sizes, np.int32).reshape(-1, 2)

    def read(entries: Sequence[Entry]) -> Iterator[Raw]:
        for path, rows in rows_by_file(entries).items():
            yield from at_rows(itertools.chain.from_iterable(p.rows() for p in readers[path]), rows)

    index.read = read
    return index


def rows_by_file(entries: Sequence[Entry]) -> dict[str, list[int]]:
    """The rows of entries, by the path of their file."""
    found: dict[str, list[int]] = {}
    for entry in entries:
        assert entry.origin.row is not None
        found.setdefault(entry.origin.path, []).append(entry.origin.row)
    return found


def at_rows(pictures: Iterable[Picture], rows: Sequence[int]) -> Iterator[Picture]:
    """The pictures at ascending positions; reads on to the end, where a file has its checksum."""
    left = iter(rows)
    wanted = next(left, None)
    for at, picture in enumerate(pictures):
        if at == wanted:
            yield picture
            wanted = next(left, None)


def check_bounds(count: int, picture: int, where: str, *, file: Path) -> None:
    """Check an array's size before anything is read: a header may claim any.

    Args:
        count: Number of pictures.
        picture: Bytes of one picture.
        where: The array, for messages.
        file: Its file.

    Raises:
        DataError: It is too large, or larger than what the file can hold.
    """
    size = file.stat().st_size
    if _FEW < count <= _MOST_PICTURES and count > size:
        raise DataError(f"{where} claims {count:,} pictures in {size:,} bytes; get a fresh copy")
    if count > _MOST_PICTURES:
        raise DataError(f"{where} has {count:,} pictures; give files of at most {_MOST_PICTURES:,}")
    if picture > _MOST_BYTES:
        raise DataError(
            f"{where} has pictures of {picture:,} bytes; make them smaller than "
            f"{_MOST_BYTES // 2**20} MiB"
        )


def picture_layout(shape: Sequence[int], dtype: np.dtype[np.generic], where: str) -> bool:
    """Whether an array of pictures, by its shape (N, …), has channels first.

    Raises:
        DataError: It is not an array of pictures.
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
