"""Reads SVHN's cropped digits from `train_32x32.mat` and `test_32x32.mat`.

Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning" (2011).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, split_in_name
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.arrays import Part, index_of
from thriftnet.data.sources.labels import check_counts, label_names
from thriftnet.errors import DataError
from thriftnet.files import open_regular

KIND = "SVHN"
_FILES = ("train_32x32.mat", "test_32x32.mat")
_EXTRA = "extra_32x32.mat"
_SIDE = 32
_HEADER_BYTES, _BLOCK_BYTES = 128, 2**20
_PACKED = 15
"""Type of a packed variable in MATLAB's format of version 5."""
_USUAL_BYTES, _MOST_RATIO = 2**26, 8
"""Bytes, and bytes for each byte of the file, that it may unpack to."""


def recognises(path: Path) -> bool:
    """Whether a path is one of SVHN's files, or contains them."""
    if path.is_file():
        return path.name in (*_FILES, _EXTRA)
    return any((path / name).is_file() for name in _FILES)


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures; `extra_32x32.mat` is read only if given itself.

    Raises:
        DataError: A file is damaged.
    """
    del options
    if path.is_file():
        return index_of(KIND, path.parent, [_part(path)])
    index = index_of(KIND, path, [_part(path / n) for n in _FILES if (path / n).is_file()])
    if (path / _EXTRA).is_file():
        index.others[_EXTRA] = 1
    return index


def _part(file: Path) -> Part:
    pixels, digits = _load(file)
    labels = label_names(digits % 10, str(file))  # the digit 0 is labelled 10
    check_counts(labels, pixels.shape[3], str(file))
    split = split_in_name(file.stem) or "train"
    return Part(file.name, file.name, split, labels, (_SIDE, _SIDE), lambda: _rows(file))


def _rows(file: Path) -> Iterator[NDArray[np.uint8]]:
    pixels, _ = _load(file)
    return iter(np.moveaxis(pixels, 3, 0))


def _refuse_bomb(file: Path) -> None:
    """Check that the packed variables of a file unpack to what digits may: they hardly compress.

    A variable has a tag of two integers, its type and its length, and is packed by zlib.

    Raises:
        ValueError: They unpack to implausibly much.
        zlib.error: One is damaged.
    """
    most = _USUAL_BYTES + _MOST_RATIO * file.stat().st_size
    with open_regular(file) as stream:
        head = stream.read(_HEADER_BYTES)
        order = "<" if head[-2:] == b"IM" else ">"
        while len(tag := stream.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            if kind != _PACKED:
                stream.seek(length, os.SEEK_CUR)
                continue
            unpacker = zlib.decompressobj()
            while length > 0 and (block := stream.read(min(length, _BLOCK_BYTES))):
                length -= len(block)
                while block and most >= 0:
                    most -= len(unpacker.decompress(block, _BLOCK_BYTES))
                    block = unpacker.unconsumed_tail
            if most < 0:
                raise ValueError("it unpacks to implausibly much")
            if not unpacker.eof:  # at its end zlib compares its checksum
                raise ValueError("it ends early")


def _load(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """Pixels (32, 32, 3, N) and digits (N, 1)."""
    from scipy.io import loadmat  # takes 0.2 s to import

    try:
        _refuse_bomb(file)
        content = cast("dict[str, Any]", loadmat(str(file), variable_names=("X", "y")))
        pixels, digits = np.asarray(content["X"]), np.asarray(content["y"])
    # Damaged bytes can raise almost any exception.
    except Exception as fault:
        reason = " ".join(str(fault).split())[:100]
        raise DataError(f"{file} is damaged ({reason}); get a fresh copy") from None
    if pixels.dtype != np.uint8 or pixels.shape[:3] != (_SIDE, _SIDE, 3) or pixels.ndim != 4:
        raise DataError(f"{file} holds no pictures of 32 x 32; get a fresh copy")
    if digits.dtype.kind not in "iuf" or not np.isfinite(digits).all():
        raise DataError(f"{file} has labels that are not digits; get a fresh copy")
    return pixels, digits.astype(np.int64)
