"""Reads NPZ files with `images` and `labels`, or `x_train`, `y_train`, `x_test`, `y_test`."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, find_split, split_in_name
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.arrays import Part, check_bounds, index_of, picture_layout
from thriftnet.data.sources.labels import check_counts, class_names, label_names, read_names_file
from thriftnet.errors import DataError

KIND = "NPZ arrays"
_ROLES = {
    "images": {"x", "image", "images", "img", "imgs", "data", "pictures"},
    "labels": {"y", "label", "labels", "target", "targets", "class", "class_id"},
    "groups": {"group", "groups"},
    "names": {"classes", "names"},
}
_NAMED: tuple[list[str], ...] = ([], ["class"], ["label"], ["category"], ["target"])
"""What `names` may be of, to be those of the classes."""
_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")
"""Where a word begins in `trainX`."""
_MOST_WHOLE = 2**31
"""Bytes of an array that is read whole; the pictures of most files are read one by one."""
_USUAL_WHOLE, _MOST_RATIO = 2**27, 64
"""Bytes, and bytes for each byte of the file, that an array may unpack to."""
_MOST_HEADER = 2**16
_MOST_NAMES = 100_000


@dataclass(frozen=True)
class _Member:
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    by_columns: bool

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def recognises(path: Path) -> bool:
    """Whether a path is an NPZ file, or a folder with some."""
    return path.suffix.lower() == ".npz" if path.is_file() else any(path.glob("*.npz"))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of one NPZ file, or of those in a folder.

    Raises:
        DataError: A file is damaged, or its arrays are not pictures and labels.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.npz"))
    root = path.parent if path.is_file() else path
    return index_of(KIND, root, [part for file in files for part in _parts(file, options)])


def _parts(file: Path, options: SourceOptions) -> Iterator[Part]:
    members = _members(file)
    roles: dict[tuple[str | None, str | None], _Member] = {}
    for member in members:
        key = _CAPITAL.sub("_", member.key)
        role = _role(key), split_in_name(key)
        if role[0] is None:
            continue
        if role in roles:
            raise DataError(
                f"{file} has {roles[role].key} and {member.key}, which both could be the {role[0]};"
                " save it with one of them"
            )
        roles[role] = member
    names = roles.get(("names", None))
    if names is None:
        classes = read_names_file(file.parent)
    else:
        where = f"{file}, {names.key}"
        if names.shape and names.shape[0] > _MOST_NAMES:
            raise DataError(f"{where} has {names.shape[0]:,} names; give at most {_MOST_NAMES:,}")
        classes = class_names(label_names(_load(file, names), where), where)
    splits = [split for role, split in roles if role == "images"]
    for split in splits:
        images, labels = roles["images", split], roles.get(("labels", split))
        where = f"{file.name}, {images.key}"
        if labels is None:
            raise DataError(f"{file}: no labels for {images.key}; add an array of labels")
        first = picture_layout(images.shape, images.dtype, f"{file}, {images.key}")
        count = images.shape[0]
        check_bounds(count, math.prod(images.shape[1:]), f"{file}, {images.key}", file=file)
        if labels.shape:  # before so many are read
            check_counts(range(labels.shape[0]), count, f"{file}, {images.key}")
        values = label_names(_load(file, labels), f"{file.name}, {labels.key}", classes)
        yield Part(
            path=file.name,
            name=where,
            split=split or split_in_name(file.stem),
            labels=values,
            size=(images.shape[3], images.shape[2])
            if first
            else (images.shape[2], images.shape[1]),
            rows=lambda images=images, first=first: _rows(file, images, first=first),
            groups=_groups(file, roles.get(("groups", split)), count, options),
        )
    if not splits:
        raise DataError(
            f"{file} has the arrays {', '.join(m.key for m in members) or 'none'}; name them "
            "images and labels, or x_train, y_train, x_test and y_test"
        )


def _groups(
    file: Path, member: _Member | None, count: int, options: SourceOptions
) -> list[str] | None:
    """The group of each picture; None without an array of groups, or with another rule."""
    if member is None or options.group not in (None, member.key):
        return None
    if member.shape != (count,):
        raise DataError(
            f"{file}, {member.key} is {member.shape} {member.dtype}; give one group for each of "
            f"the {count:,} pictures"
        )
    return [str(group) for group in _load(file, member).tolist()]


def _role(key: str) -> str | None:
    words = [w for w in re.split(r"[^a-z0-9]+", key.casefold()) if w and find_split(w) is None]
    if not words or (words[-1] == "names" and words[:-1] not in _NAMED):  # such as image_names
        return None
    if words[:-1] in (["n"], ["num"]):  # num_classes
        return None
    return next((role for role, known in _ROLES.items() if words[-1] in known), None)


def _members(file: Path) -> list[_Member]:
    """Shapes and types of a file's arrays, from their headers."""
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                archive.open(name).close()  # compares both copies of its header
            return [_header(archive, name) for name in archive.namelist() if name.endswith(".npy")]
    except Exception as fault:  # damaged bytes can make the reader raise nearly anything
        raise _damaged(file, fault) from None


def _header(archive: zipfile.ZipFile, name: str) -> _Member:
    with archive.open(name) as stream:
        return _Member(name.removesuffix(".npy"), *_read_header(stream))


class _Bounded:
    """The beginning of a stream; NumPy reads a header of any length before it looks at it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        if size > _MOST_HEADER:
            raise ValueError(f"a header of {size:,} bytes")
        return self._stream.read(size)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], bool]:
    head: Any = _Bounded(stream)
    old = np.lib.format.read_magic(head) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(head)
    return shape, dtype, by_columns


def _load(file: Path, member: _Member) -> NDArray[np.generic]:
    """A small array, whole.

    Raises:
        DataError: It is damaged or too large.
    """
    most = min(_MOST_WHOLE, _USUAL_WHOLE + _MOST_RATIO * file.stat().st_size)
    if member.size > most:
        raise DataError(
            f"{file}, {member.key} has {member.size:,} bytes, of which {most:,} can be read at "
            "once; save it in several files, in C order"
        )
    if member.dtype.hasobject:
        raise DataError(
            f"{file}, {member.key} holds Python objects, which are not read; save text as "
            "array.astype(str), numbers as array.astype(int)"
        )
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{member.key}.npy") as stream:
            found = np.lib.format.read_array(stream, allow_pickle=False)
            _check_end(stream)
            return found
    except Exception as fault:
        raise _damaged(file, fault) from None


def _rows(file: Path, member: _Member, *, first: bool) -> Iterator[NDArray[np.uint8]]:
    """The pictures of an array, one at a time, as it may not fit in memory."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{member.key}.npy") as stream:
            shape, _, by_columns = _read_header(stream)
            length = math.prod(shape[1:])
            rows = (_row(stream, length).reshape(shape[1:]) for _ in range(shape[0]))
            for row in iter(_load(file, member)) if by_columns else rows:
                yield np.moveaxis(row, 0, 2) if first else row
            if not by_columns:
                _check_end(stream)
    except DataError:
        raise
    except Exception as fault:
        raise _damaged(file, fault) from None


def _row(stream: IO[bytes], length: int) -> NDArray[np.uint8]:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError("it ends early")
    return np.frombuffer(content, np.uint8)


def _check_end(stream: IO[bytes]) -> None:
    """Check that nothing follows: the archive's CRC is compared at its end."""
    if stream.read(1):
        raise ValueError("an array is longer than its header says")


def _damaged(file: Path, fault: Exception) -> DataError:
    reason = " ".join(str(fault).split())[:100]
    return DataError(f"{file} cannot be read as NPZ ({reason}); save it again with numpy.savez")
