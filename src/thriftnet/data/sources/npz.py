"""Reads NPZ files with `images` and `labels`, or `x_train`, `y_train`, `x_test`, `y_test`."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, as_label, find_split, split_in_name
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.arrays import Part, index_of, picture_layout
from thriftnet.data.sources.labels import check_counts, label_names, names_beside
from thriftnet.errors import DataError

KIND = "NPZ arrays"
_ROLES = {
    "images": {"x", "image", "images", "img", "imgs", "data", "pictures"},
    "labels": {"y", "label", "labels", "target", "targets", "class", "class_id"},
    "groups": {"group", "groups"},
    "names": {"classes", "names"},
}
_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class _Member:
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    by_columns: bool


def recognises(path: Path) -> bool:
    """Whether a path is an NPZ file, or a folder with some."""
    return path.suffix.lower() == ".npz" if path.is_file() else any(path.glob("*.npz"))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of one NPZ file, or of those in a folder.

    Raises:
        DataError: A file is damaged, or its arrays are not pictures and labels.
    """
    del options
    files = [path] if path.is_file() else sorted(path.glob("*.npz"))
    root = path.parent if path.is_file() else path
    return index_of(KIND, root, [part for file in files for part in _parts(file)])


def _parts(file: Path) -> Iterator[Part]:
    members = _members(file)
    roles: dict[tuple[str, str | None], _Member] = {}
    for member in members:
        if role := _role(member.key):
            roles[role, split_in_name(member.key)] = member
    names = roles.get(("names", None))
    if names is None:
        classes = names_beside(file.parent)
    else:
        classes = [as_label(str(name)) for name in _load(file, names.key).tolist()]
    splits = [split for role, split in roles if role == "images"]
    for split in splits:
        images, labels = roles["images", split], roles.get(("labels", split))
        where = f"{file.name}, {images.key}"
        if labels is None:
            raise DataError(f"{file}: no labels for {images.key}; add an array of labels")
        values = label_names(_load(file, labels.key), f"{file.name}, {labels.key}", classes)
        check_counts(values, images.shape[0] if images.shape else 0, f"{file}, {images.key}")
        first = picture_layout(images.shape, images.dtype, f"{file}, {images.key}")
        groups = roles.get(("groups", split))
        yield Part(
            path=file.name,
            name=where,
            split=split or split_in_name(file.stem),
            labels=values,
            size=(images.shape[3], images.shape[2])
            if first
            else (images.shape[2], images.shape[1]),
            rows=lambda images=images, first=first: _rows(file, images, first=first),
            groups=None if groups is None else [str(g) for g in _load(file, groups.key).tolist()],
        )
    if not splits:
        raise DataError(
            f"{file} has the arrays {', '.join(m.key for m in members) or 'none'}; name them "
            "images and labels, or x_train, y_train, x_test and y_test"
        )


def _role(key: str) -> str | None:
    words = [w for w in re.split(r"[^a-z0-9]+", key.casefold()) if w and find_split(w) is None]
    return next((role for role, known in _ROLES.items() if words and words[-1] in known), None)


def _members(file: Path) -> list[_Member]:
    """Shapes and types of a file's arrays, from their headers."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [_header(archive, name) for name in archive.namelist() if name.endswith(".npy")]
    except _DAMAGE as fault:
        raise _damaged(file, fault) from None


def _header(archive: zipfile.ZipFile, name: str) -> _Member:
    with archive.open(name) as stream:
        return _Member(name.removesuffix(".npy"), *_read_header(stream))


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], bool]:
    version = np.lib.format.read_magic(stream)
    old = version == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    return shape, dtype, by_columns


def _load(file: Path, key: str) -> NDArray[np.generic]:
    """Load a small array."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            return archive[key]
    except _DAMAGE as fault:
        raise _damaged(file, fault) from None


def _rows(file: Path, member: _Member, *, first: bool) -> Iterator[NDArray[np.uint8]]:
    """The pictures of an array, one at a time, as it may not fit in memory."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{member.key}.npy") as stream:
            shape, _, by_columns = _read_header(stream)
            if by_columns:
                rows = iter(_load(file, member.key))
            else:
                length = int(np.prod(shape[1:]))
                rows = (_row(stream, length).reshape(shape[1:]) for _ in range(shape[0]))
            for row in rows:
                yield np.moveaxis(row, 0, 2) if first else row
    except _DAMAGE as fault:
        raise _damaged(file, fault) from None


def _row(stream: IO[bytes], length: int) -> NDArray[np.uint8]:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError("it ends early")
    return np.frombuffer(content, np.uint8)


def _damaged(file: Path, fault: Exception) -> DataError:
    reason = " ".join(str(fault).split())[:100]
    return DataError(f"{file} cannot be read as NPZ ({reason}); save it again with numpy.savez")
