"""The cache of CIFAR-10: the whole data set in one memory-mapped file, written atomically.

Layout: a header line padded to 64 bytes, then images (60000, 32, 32, 3) uint8, then 60,000 label
bytes. Its SHA-256 is known and checked once per process (0.1 s), so that neither a damaged disk nor
a planted file can pass as CIFAR-10. A cache that others can write is not used (`trust.py`), as they
could change the images later.
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
"""The file that this process verified last, by path, inode and modification time."""


def cache_file() -> Path:
    """Returns the path of the cached data set."""
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
    if this not in _verified:  # once per process: a search worker opens it for every trial
        if hashlib.sha256(content.data).hexdigest() != CACHE_SHA256:
            raise DataError(f"{path} is damaged (checksum)")
        _verified.clear()  # a replaced file would stay mapped
        body = content[len(_HEADER) :]
        images = body[: _COUNT * IMAGE_BYTES].reshape(_COUNT, IMAGE_SIZE, IMAGE_SIZE, 3)
        _verified[this] = Batches(images, body[_COUNT * IMAGE_BYTES :])
    return _verified[this]


def write_cache(path: Path, batches: Batches) -> None:
    """Writes the cache atomically.

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
