"""The cache: the whole data set in one file, written whole or not at all, memory-mapped to read.

Layout: a header line padded to 64 bytes, then images (60000, 32, 32, 3) uint8, then 60,000 label
bytes. The header carries the CRC-32 of all that follows: the six MD5 digests are checked before
anything is written, so what remains to be found is a damaged disk or an interrupted copy, and
CRC-32 finds it in 0.05 s where SHA-256 takes 0.10 s and MD5 0.24 s.
"""

import contextlib
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from thriftnet.data.cifar10.facts import BATCH_MD5, BATCH_SIZE, IMAGE_BYTES, IMAGE_SIZE
from thriftnet.data.cifar10.formats import Batches
from thriftnet.errors import DataError
from thriftnet.files import FULL_DISK, cache_folder, replacing

_HEADER_BYTES = 64
_COUNT = BATCH_SIZE * len(BATCH_MD5)
_BODY_BYTES = _COUNT * (IMAGE_BYTES + 1)
_verified: set[tuple[Path, int, int]] = set()
"""Files whose checksum this process has found right: path, inode and time of the last change."""


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
        if status.st_size != _HEADER_BYTES + _BODY_BYTES:
            raise DataError(f"{path} is truncated or of another version")
        content = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror}") from None
    header, body = content[:_HEADER_BYTES], content[_HEADER_BYTES:]
    this = (path, status.st_ino, status.st_mtime_ns)
    if this not in _verified:  # once a process: a search's worker reads it for every trial
        if header.tobytes() != _header(zlib.crc32(body.data)):
            raise DataError(f"{path} is damaged (checksum)")
        _verified.add(this)
    images = body[: _COUNT * IMAGE_BYTES].reshape(_COUNT, IMAGE_SIZE, IMAGE_SIZE, 3)
    return Batches(images, body[_COUNT * IMAGE_BYTES :])


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
            file.write(_header(zlib.crc32(batches.labels.data, zlib.crc32(images.data))))
            file.write(images.data)
            file.write(batches.labels.data)
    except OSError as fault:
        if fault.errno in FULL_DISK:
            raise full_disk(path.parent, _BODY_BYTES) from None
        raise


def full_disk(folder: Path, needed: int) -> DataError:
    """Returns the error for a disk without room for `needed` bytes."""
    return DataError(
        f"the disk of {folder} is full; free {needed / 1e6:.0f} MB there "
        "or set THRIFTNET_CACHE to a folder on another disk"
    )


@contextmanager
def filling(folder: Path, *, say: Callable[[str], None]) -> Iterator[Path | None]:
    """Lets one process fill the cache while others wait for it.

    Yields:
        The folder, or None when it cannot be written.
    """
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context((folder / "lock").open("w"))
        except OSError as fault:
            say(f"CIFAR-10: {folder} cannot be written ({fault.strerror}); not caching")
            yield None
            return
        _lock(lock.fileno(), say)
        yield folder


def _lock(descriptor: int, say: Callable[[str], None]) -> None:
    """Waits for an exclusive lock; the system lets go of it when the process ends, however."""
    if sys.platform == "win32":
        return  # two processes may then fetch at once; digests and the final move keep it safe
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("CIFAR-10: another process is filling the cache; waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks; see above


def _header(checksum: int) -> bytes:
    return f"thriftnet cifar10 v1 crc32 {checksum:08x}\n".encode().ljust(_HEADER_BYTES)
