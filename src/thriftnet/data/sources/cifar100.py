"""Reads CIFAR-100 from the folder `cifar-100-python` or its archive.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.cifar10.archives import read_archive
from thriftnet.data.cifar10.formats import as_integers
from thriftnet.data.index import Index
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.arrays import Part, index_of
from thriftnet.data.sources.labels import check_counts, class_names, label_names
from thriftnet.data.unpickle import read_pickle
from thriftnet.errors import DataError
from thriftnet.files import read_bounded

KIND = "CIFAR-100"
_ARCHIVE = "cifar-100-python.tar.gz"
_FILES = ("train", "test", "meta")
_MOST_BYTES = 2**28
_SIDE = 32


def recognises(path: Path) -> bool:
    """Whether a path is CIFAR-100's archive or folder, or contains one."""
    return _find(path) is not None


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures by their fine labels.

    Raises:
        DataError: A file is missing or damaged.
    """
    del options
    place = _find(path)
    assert place is not None
    classes = _class_names(_content(place, "meta").get("fine_label_names"), f"{place}, meta")
    root = place.parent if place.is_file() else place
    return index_of(KIND, root, [_part(place, split, classes) for split in ("train", "test")])


def _find(path: Path) -> Path | None:
    for place in (path, path / "cifar-100-python"):
        if place.is_dir() and all((place / name).is_file() for name in _FILES):
            return place
    for place in (path, path / _ARCHIVE):
        if place.name == _ARCHIVE and place.is_file():
            return place
    return None


def _content(place: Path, name: str) -> Mapping[str, object]:
    """The dictionary in one of the three files."""
    if place.is_file():
        found = read_archive(place, origin=str(place), names=frozenset([name]), most=_MOST_BYTES)
        blob, where = found.get(name), f"{place}, {name}"
    else:
        where = str(place / name)
        try:
            blob = read_bounded(place / name, most=_MOST_BYTES)
        except OSError as fault:
            raise DataError(f"{where} cannot be read: {fault.strerror}; get a fresh copy") from None
    content = None if blob is None else read_pickle(blob, origin=where)
    if not isinstance(content, dict):
        raise DataError(f"{where} is not a file of CIFAR-100; get a fresh copy")
    entries = cast("dict[object, object]", content)
    return {
        key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key): value
        for key, value in entries.items()
    }


def _class_names(value: object, where: str) -> list[str]:
    """Names that are text or bytes, as a pickle of Python 2 has them."""
    if not isinstance(value, list):
        raise DataError(f"{where} names no classes; get a fresh copy")
    names = [n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in value]
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{where} has a class whose name is not text; get a fresh copy")
    return class_names(cast("list[str]", names), where)


def _part(place: Path, split: str, classes: list[str]) -> Part:
    content, where = _content(place, split), f"{place}, {split}"
    pixels = _pixels(content, where)
    values = as_integers(content.get("fine_labels"))
    if values is None:
        raise DataError(f"{where} has no list of fine_labels; get a fresh copy")
    labels = label_names(values, where, classes)
    check_counts(labels, len(pixels), where)

    def rows() -> Iterator[NDArray[np.uint8]]:
        read = _pixels(_content(place, split), where)
        return iter(read.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))

    path = place.name if place.is_file() else split
    return Part(path, where, split, labels, (_SIDE, _SIDE), rows)


def _pixels(content: Mapping[str, object], where: str) -> NDArray[np.uint8]:
    data = content.get("data")
    if isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2:
        pixels = cast("NDArray[np.uint8]", data)
        if pixels.shape[1] == 3 * _SIDE * _SIDE:
            return pixels
    raise DataError(f"{where} holds no pictures of 32 x 32; get a fresh copy")
