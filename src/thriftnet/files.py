"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

from thriftnet.errors import ThriftnetError

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error numbers of a disk, a quota or a file system's file size that is used up."""


def cache_folder() -> Path:
    """What can be made or fetched again: `THRIFTNET_CACHE`, else the platform's cache folder."""
    chosen = os.environ.get("THRIFTNET_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("thriftnet")


@contextlib.contextmanager
def replacing(path: Path, *, error: type[ThriftnetError] | None = None) -> Iterator[IO[bytes]]:
    """A file to write beside `path`; it takes the path's place when the block ends well.

    If the block fails, the file at `path` is as it was and nothing is left beside it. Of a link,
    the file that it names is written.

    Raises:
        ThriftnetError: Of class `error`: the disk is full or the folder cannot be written.
        OSError: The same faults, where no `error` is named.
    """
    temporary: Path | None = None
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():  # a device or a pipe would become a file
            raise OSError(errno.EINVAL, "it is no file")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's 0600 would shut out others who share the folder
        temporary.replace(path)
    except OSError as fault:
        if error is None:
            raise
        raise error(explain_os_error(fault, path)) from fault
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes, *, error: type[ThriftnetError]) -> None:
    """Write `content` to `path`, whole or not at all.

    Raises:
        ThriftnetError: As `replacing`.
    """
    with replacing(path, error=error) as file:
        file.write(content)


def read_bounded(path: Path, *, most: int) -> bytes:
    """The content of an ordinary file that has at most so many bytes.

    Raises:
        OSError: It cannot be read, is a pipe or a device, or has more.
    """
    # Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most / 1e6:.1f} MB")
    return content


def explain_os_error(fault: OSError, path: Path) -> str:
    """One line with the remedy for the faults that a user can mend."""
    if fault.errno in FULL_DISK:
        return f"the disk is full: {path} was not written; free some space and try again"
    if fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{path} cannot be written: {fault.strerror}; choose a folder that you may write"
    return f"{path} cannot be written: {fault.strerror or fault}; check the path and the disk"
