"""Atomic writing of files, bounded reading, and one-line messages for errors of the system."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Generator
from pathlib import Path
from typing import IO

from thriftnet.errors import ThriftnetError
from thriftnet.trust import refuse_planted_link

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error numbers of a full disk, an exceeded quota or a file size limit."""


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file for reading; a pipe, device or socket could block forever.

    Raises:
        OSError: It is not a regular file, does not exist or cannot be read.
    """
    _refuse_special(path.stat().st_mode)
    flags = getattr(os, "O_NONBLOCK", 0)  # it may have been replaced by a pipe since
    file = open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115
    try:
        _refuse_special(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _refuse_special(mode: int) -> None:
    """Check that a mode is that of a regular file.

    Raises:
        OSError: It is not; the message names the kind.
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        kind = "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"
        raise OSError(errno.EINVAL, f"it is a {kind}, not a file")


@contextlib.contextmanager
def replacing(
    path: Path,
    *,
    error: type[ThriftnetError] | None = None,
    keep: bool = False,
    at: int | None = None,
    former: Path | None = None,
    durable: bool = True,
) -> Generator[IO[bytes]]:
    """Open a temporary file that replaces `path` when the block succeeds.

    If the block fails, `path` is unchanged and the temporary file is removed. A link is followed.
    An existing file keeps its mode; a new one gets 0666 minus the umask.

    Args:
        path: The file.
        error: Class of the error for faults that a user can fix.
        keep: Whether to write to PATH.part and keep it on failure; then only one process can write
            to `path` at a time.
        at: Continue a kept PATH.part, truncated to this size in bytes.
        former: New path of the replaced file, in the same folder.
        durable: Whether to sync file and folder to disk, as a power cut could truncate the file.

    Raises:
        ThriftnetError: Of class `error`: the disk is full or the folder cannot be written.
        OSError: The same faults, without `error`.
    """
    temporary: Path | None = None
    try:
        mode = mode_of(path)
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if keep:
            temporary = part_of(path)
            _refuse_written(temporary)
            if at is None:
                temporary.unlink(missing_ok=True)  # never write to it: it may be a link
        else:
            remove_leftovers(path)
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = _open_new(temporary) if at is None else _open_part(temporary, at)
        with os.fdopen(handle, "wb") as file:
            if mode is not None:
                with contextlib.suppress(OSError):  # a file system without modes
                    temporary.chmod(mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if keep and not os.path.samestat(os.fstat(file.fileno()), temporary.lstat()):
                raise _BusyError(errno.EBUSY, "another process writes it")
            if sys.platform == "win32":
                file.close()  # an open file cannot be renamed there
            if former and path.exists():
                path.replace(former)
            temporary.replace(path)  # still locked, so that nobody removes it
        if durable:
            sync_folder(path.parent)
    except OSError as fault:
        if error is None:
            raise
        raise error(explain_os_error(fault, path)) from fault
    finally:
        if temporary is not None and not keep:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The path of the temporary file of `replacing` with `keep`."""
    return path.with_name(f"{path.name}.part")


def _open_part(path: Path, at: int) -> int:
    """Open a partial file, locked and truncated, to append to it.

    Raises:
        OSError: It does not exist, is not a regular file, or another process writes it.
    """
    # Of a pipe without a reader, opening it would wait for one.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_WRONLY | flags)
    try:
        _refuse_special(os.fstat(handle).st_mode)
        if _lock(handle, alone=True) is False:
            raise _BusyError(errno.EBUSY, "another process writes it")
        os.ftruncate(handle, at)
        os.lseek(handle, at, os.SEEK_SET)
    except OSError:
        os.close(handle)
        raise
    return handle


def _open_new(path: Path) -> int:
    """Create a file, locked while it is written, so that `remove_leftovers` skips it."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(handle, wait=True)
        with contextlib.suppress(FileNotFoundError):  # some file systems count no links of a file
            if os.path.samestat(os.fstat(handle), path.lstat()):
                return handle
        os.close(handle)  # removed before it was locked


class _BusyError(OSError):
    """Another process writes the file."""


def _refuse_written(path: Path) -> None:
    """Check that no other process writes a file.

    Raises:
        OSError: One does.
    """
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(open_regular(path))
        except OSError:  # it does not exist or is not a regular file
            return
        if _lock(file.fileno()) is False:
            raise _BusyError(errno.EBUSY, "another process writes it")


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` left by killed processes.

    Files are locked while written, and the system releases the lock when a process ends. On file
    systems without locks nothing is removed.
    """
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    with contextlib.suppress(OSError):
        for each in [each for each in path.parent.iterdir() if ours.fullmatch(each.name)]:
            with contextlib.suppress(OSError), open_regular(each) as file:
                if _lock(file.fileno()):
                    each.unlink()


def _lock(handle: int, *, wait: bool = False, alone: bool = False) -> bool | None:
    """Lock a file.

    Returns:
        False if another process holds the lock; None if there are no locks.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        kind = fcntl.LOCK_EX if wait or alone else fcntl.LOCK_SH
        fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a rename survives a power cut."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # unsupported, or an unreadable folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def mode_of(path: Path) -> int | None:
    """The permissions of an existing file; None if there is none.

    Raises:
        OSError: It is not a regular file, and must not be replaced by one; or it is another user's
            link in a folder that anybody can write, which could lead anywhere.
    """
    refuse_planted_link(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    _refuse_special(mode)
    return stat.S_IMODE(mode)


def create_empty(path: Path) -> None:
    """Create a database file by the umask, which SQLite ignores, unless it is there."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def write_whole(
    path: Path, content: bytes, *, error: type[ThriftnetError], durable: bool = True
) -> None:
    """Write `content` to `path` atomically; arguments as in `replacing`.

    Raises:
        ThriftnetError: As `replacing`.
    """
    with replacing(path, error=error, durable=durable) as file:
        file.write(content)


def read_bounded(path: Path, *, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        # Not EFBIG, which is reported as a full disk.
        size = f"{most / 1e6:.1f} MB" if most >= 100_000 else f"{most:,} bytes"
        raise OSError(errno.EINVAL, f"it has more than {size}")
    return content


def explain_os_error(fault: OSError, path: Path) -> str:
    """One line with a remedy for errors of writing a file."""
    if fault.errno in FULL_DISK:
        return f"the disk is full: {path} was not written; free some space and try again"
    if isinstance(fault, _BusyError):
        return f"{path} is being written by another process; wait for it, or choose another file"
    if fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{path} cannot be written: {fault.strerror}; choose a folder that you may write"
    return f"{path} cannot be written: {fault.strerror or fault}; check the path and the disk"


_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP}


def explain_refusal(fault: BaseException) -> str | None:
    """A line with a remedy for a full disk, missing rights or an impossible path; else None."""
    if isinstance(fault, RuntimeError) and "Symlink loop" in str(fault):  # up to Python 3.12
        return f"{fault}; check the path"
    if not isinstance(fault, OSError):
        return None
    if fault.errno == errno.ENOENT and fault.filename is None:  # of os.getcwd
        return "the current folder was removed; change to another one with cd"
    if fault.errno in FULL_DISK:
        named = f": {fault.filename} was not written" if fault.filename else ""
        return f"the disk is full{named}; free some space and try again"
    if fault.errno in _REFUSALS:
        return f"{fault.filename or 'a file'}: {fault.strerror}; check the path and its permissions"
    return None
