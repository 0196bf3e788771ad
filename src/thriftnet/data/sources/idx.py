"""Reads IDX files, as of MNIST, Fashion-MNIST, KMNIST and EMNIST, gzipped or not.

Format: two zero bytes, a byte for the type (8: uint8), one for the number of dimensions, the
dimensions as big-endian 32-bit integers, then the values.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, split_in_name
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.arrays import Part, check_bounds, index_of, picture_layout
from thriftnet.data.sources.labels import check_counts, label_names, read_names_file
from thriftnet.errors import DataError

KIND = "IDX files"
_IMAGES = re.compile(r"images([-.])idx3([-.])ubyte")
_LABELS = r"labels\1idx1\2ubyte"


def recognises(path: Path) -> bool:
    """Whether a path is an IDX file of pictures, or a folder with some."""
    return bool(_IMAGES.search(path.name) if path.is_file() else _image_files(path))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of an IDX file, or of those in a folder.

    A file such as `classes.txt` in the same folder may name the classes, one per line.

    Raises:
        DataError: A file is damaged or lacks its labels.
    """
    del options
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else _image_files(path)
    return index_of(KIND, root, [_part(file) for file in files])


def _image_files(folder: Path) -> list[Path]:
    """Sorted; if a file exists gzipped and not, only the latter."""
    found = sorted(f for f in folder.iterdir() if _IMAGES.search(f.name) and f.is_file())
    return [f for f in found if f.suffix != ".gz" or f.with_suffix("") not in found]


def _part(file: Path) -> Part:
    own = _IMAGES.sub(_LABELS, file.name)
    beside = [file.with_name(n) for n in (own, f"{own}.gz", own.removesuffix(".gz"))]
    labels = next((place for place in beside if place.is_file()), None)
    if labels is None:
        raise DataError(f"{file} needs {own} in the same folder; put it there")
    with _opened(file) as stream:
        count, height, width = _dimensions(stream, file, 3)
    picture_layout((count, height, width), np.dtype(np.uint8), str(file))
    check_bounds(count, height * width, str(file), file=file)
    with _opened(labels) as stream:
        length = _dimensions(stream, labels, 1)[0]
        check_counts(range(length), count, str(file))  # before so many are read
        values = np.frombuffer(_read(stream, length, labels), np.uint8)
        _check_end(stream, labels)
    names = label_names(values, str(labels), read_names_file(file.parent))
    split = "test" if file.name.startswith("t10k") else split_in_name(file.name)
    return Part(
        path=file.name,
        name=file.name,
        split=split,
        labels=names,
        size=(width, height),
        rows=lambda: _rows(file),
    )


def _rows(file: Path) -> Iterator[NDArray[np.uint8]]:
    with _opened(file) as stream:
        count, height, width = _dimensions(stream, file, 3)
        for _ in range(count):
            content = _read(stream, height * width, file)
            yield np.frombuffer(content, np.uint8).reshape(height, width)
        _check_end(stream, file)


def _opened(file: Path) -> IO[bytes]:
    try:
        return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")
    except OSError as fault:
        raise DataError(f"{file} cannot be read: {fault.strerror}; check the path") from None


def _dimensions(stream: IO[bytes], file: Path, count: int) -> tuple[int, ...]:
    header = _read(stream, 4 + 4 * count, file)
    if header[:4] != bytes([0, 0, 8, count]):
        raise DataError(
            f"{file} is not an IDX file of {count} dimensions of uint8; get a fresh copy"
        )
    return tuple(np.frombuffer(header[4:], ">u4").astype(int).tolist())


def _read(stream: IO[bytes], length: int, file: Path) -> bytes:
    try:
        content = stream.read(length)
    except (OSError, EOFError, zlib.error) as fault:
        raise DataError(f"{file} is damaged ({fault}); get a fresh copy") from None
    if len(content) < length:
        raise DataError(f"{file} ends early; get a fresh copy")
    return content


def _check_end(stream: IO[bytes], file: Path) -> None:
    """Check that nothing follows: gzip compares its checksum where it finds the end."""
    try:
        more = stream.read(1)
    except (OSError, EOFError, zlib.error) as fault:
        raise DataError(f"{file} is damaged ({fault}); get a fresh copy") from None
    if more:
        raise DataError(f"{file} is longer than its header says; get a fresh copy")
