"""A lock under which one process fills a part of the cache while others wait."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from thriftnet.errors import DataError
from thriftnet.trust import for_this_user


@contextmanager
def filling(
    folder: Path, *, name: str = "lock", what: str, say: Callable[[str], None]
) -> Generator[Path | None]:
    """Hold the lock of a part of the cache.

    Args:
        folder: of the cache; created if missing.
        name: of the lock file in it.
        what: what is filled, for messages.
        say: called when waiting, and if the cache cannot be written.

    Yields:
        The folder, or None when it cannot be written.
    """
    with for_this_user(), contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context((folder / name).open("w"))
        except OSError as fault:
            say(f"{what}: {folder} cannot be written ({fault.strerror}); not caching")
            yield None
            return
        _lock(lock.fileno(), what, say)
        yield folder


def _lock(descriptor: int, what: str, say: Callable[[str], None]) -> None:
    """Waits for an exclusive lock, which the system releases when the process ends."""
    if sys.platform == "win32":
        return  # two processes may then fill at once; digests and the final move keep it safe
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"{what}: another process is filling the cache; waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks; see above


def full_disk(folder: Path, needed: int) -> DataError:
    """Returns the error for a disk without room for `needed` bytes."""
    return DataError(
        f"the disk of {folder} is full; free {math.ceil(needed / 1e6)} MB there "
        "or set THRIFTNET_CACHE to a folder on another disk"
    )
