"""The cache: the whole data set in one file, written whole or not at all, memory-mapped to read.

Layout: a header line padded to 64 bytes, then images (60000, 32, 32, 3) uint8, then 60,000 label
bytes. There is one such file, whose SHA-256 is known: neither a damaged disk nor somebody who
plants a file of the same form can pass off other images as CIFAR-10. It takes 0.1 s, once a
process. A cache that others can write is not even read (`trust.py`): they could change the images
after that.
"""

import hashlib
from pathlib import Path

import numpy as np

from thriftnet.data.cache_lock import full_disk
from thriftnet.data.cifar10.facts import (
    BATCH_MD5,
    BATCH_SIZE,
    CACHE_SHA256,
    IMAGE_BYTES,
    IMAGE_SIZE,
)
from thriftnet.data.cifar10.formats import Batches
from thriftnet.errors import DataError
from thriftnet.files import FULL_DISK, replacing
from thriftnet.home import cache_folder

_HEADER = b"thriftnet cifar10 v1 crc32 d180e8ed\n".ljust(64)
_COUNT = BATCH_SIZE * len(BATCH_MD5)
_BODY_BYTES = _COUNT * (IMAGE_BYTES + 1)
_verified: dict[tuple[Path, int, int], Batches] = {}
"""What this process found right last, by path, inode and time of the last change."""


def cache_file() -> Path:
    """Returns where the data set lies in the cache."""
    return cache_folder() / "cifar10" / "cifar10-v1.bin"


def read_cache(path: Path) -> Batches | None:
    """Returns the cached data set, memory-mapped and read-only, or None when there is none.

    Raises:
        DataError: the file is truncated, damaged, of another version, or cannot be read.
    """
    try:
        status = path.stat()
        if status.st_size != len(_HEADER) + _BODY_BYTES:
            raise DataError(f"{path} is truncated or of another version")
        content = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror}") from None
    this = (path, status.st_ino, status.st_mtime_ns)
    if this not in _verified:  # once a process: a search's worker reads it for every trial
        if hashlib.sha256(content.data).hexdigest() != CACHE_SHA256:
            raise DataError(f"{path} is damaged (checksum)")
        _verified.clear()  # a file that was replaced would stay mapped
        body = content[len(_HEADER) :]
        images = body[: _COUNT * IMAGE_BYTES].reshape(_COUNT, IMAGE_SIZE, IMAGE_SIZE, 3)
        _verified[this] = Batches(images, body[_COUNT * IMAGE_BYTES :])
    return _verified[this]


def write_cache(path: Path, batches: Batches) -> None:
    """Writes the cache beside its place and moves it there, so that no reader meets half of it.

    Raises:
        DataError: the disk is full.
        OSError: the folder cannot be written for another reason.
    """
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink(missing_ok=True)  # left by a process that was killed
    images = np.ascontiguousarray(batches.images)
    try:
        with replacing(path) as file:
            file.write(_HEADER)
            file.write(images.data)
            file.write(batches.labels.data)
    except OSError as fault:
        if fault.errno in FULL_DISK:
            raise full_disk(path.parent, _BODY_BYTES) from None
        raise
