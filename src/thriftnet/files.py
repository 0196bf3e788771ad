"""Files that are written whole or not at all, and none that is no file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from thriftnet.errors import ThriftnetError

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error numbers of a disk, a quota or a file system's file size that is used up."""


def open_regular(path: Path) -> IO[bytes]:
    """Open a file to read; a pipe, a device or a socket would be waited on for ever.

    Raises:
        OSError: It is none, is not there or cannot be read.
    """
    _refuse_special(path.stat().st_mode)
    flags = getattr(os, "O_NONBLOCK", 0)  # another may have put a pipe there in between
    file = open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115
    try:
        _refuse_special(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _refuse_special(mode: int) -> None:
    """See that a file's mode is that of a file.

    Raises:
        OSError: It is of something else, which the error names.
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
) -> Iterator[IO[bytes]]:
    """A file to write beside `path`; it takes the path's place when the block ends well.

    If the block fails, the file at `path` is as it was and nothing is left beside it. Of a link,
    the file that it names is written. A file that is there keeps its mode; a new one has what the
    umask leaves of 0666. Once the block has ended, a power cut undoes nothing.

    Args:
        path: Of the file.
        error: What is raised of the faults that a user can mend.
        keep: Whether what was written stays as PATH.part if the block fails; then one process at
            a time writes to `path`.
        at: Go on with the PATH.part that was kept, cut to so many bytes.
        former: In the same folder: where the file goes that was at `path`.

    Raises:
        ThriftnetError: Of class `error`: the disk is full or the folder cannot be written.
        OSError: The same faults, where no `error` is named.
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
                temporary.unlink(missing_ok=True)  # not written to: it may be a link
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
            os.fsync(file.fileno())
            if keep and not os.path.samestat(os.fstat(file.fileno()), temporary.lstat()):
                raise _BusyError(errno.EBUSY, "another process writes it")
            if sys.platform == "win32":
                file.close()  # an open file has no other name there
            if former and path.exists():
                path.replace(former)
            temporary.replace(path)  # still locked: it is nobody's leftover
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
    """Where `replacing` keeps what was written of a file if it is asked to."""
    return path.with_name(f"{path.name}.part")


def _open_part(path: Path, at: int) -> int:
    """A file that was begun, locked and cut to so many bytes, to go on at its end.

    Raises:
        OSError: It is gone, is no file, or another process writes it.
    """
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
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
    """A new file, locked while it is written, so that nobody takes it for a leftover."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(handle, wait=True)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # removed before it was locked


class _BusyError(OSError):
    """Another process writes the file."""


def _refuse_written(path: Path) -> None:
    """See that no other process writes a file.

    Raises:
        OSError: One does.
    """
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(open_regular(path))
        except OSError:  # nothing is there, or nothing that anybody writes with a lock
            return
        if _lock(file.fileno()) is False:
            raise _BusyError(errno.EBUSY, "another process writes it")


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that `replacing` left when it was killed.

    The system drops the lock of a process that ends. Where there are no locks, nothing is removed.
    """
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    with contextlib.suppress(OSError):
        for each in [each for each in path.parent.iterdir() if ours.fullmatch(each.name)]:
            with contextlib.suppress(OSError), open_regular(each) as file:
                if _lock(file.fileno()):
                    each.unlink()


def _lock(handle: int, *, wait: bool = False, alone: bool = False) -> bool | None:
    """Lock a file that is written, waiting for others or not; or see that nobody writes it.

    Returns:
        False: another process writes it; none: there are no locks.
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
    """Have the disk keep a rename; syncing a file keeps its content alone."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # a file system that cannot, or a folder without reading
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def mode_of(path: Path) -> int | None:
    """The permissions of what a new file would replace; none where nothing is there.

    Raises:
        OSError: It is no file: a device or a pipe would become one.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    _refuse_special(mode)
    return stat.S_IMODE(mode)


def create_empty(path: Path) -> None:
    """Create a database's file, unless it is there, with the mode that the umask leaves.

    SQLite would let nobody but the owner write to it, whatever the umask says. Where this fails,
    SQLite does, and says why.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def write_whole(path: Path, content: bytes, *, error: type[ThriftnetError]) -> None:
    """Write `content` to `path`, whole or not at all; the other arguments are those of `replacing`.

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
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most / 1e6:.1f} MB")
    return content


def explain_os_error(fault: OSError, path: Path) -> str:
    """One line with the remedy for the faults that a user can mend."""
    if fault.errno in FULL_DISK:
        return f"the disk is full: {path} was not written; free some space and try again"
    if isinstance(fault, _BusyError):
        return f"{path} is being written by another process; wait for it, or choose another file"
    if fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{path} cannot be written: {fault.strerror}; choose a folder that you may write"
    return f"{path} cannot be written: {fault.strerror or fault}; check the path and the disk"


_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP}


def explain_refusal(fault: BaseException) -> str | None:
    """One line with the remedy for what the system refuses a user; none of another fault.

    Every path that a user names is looked at somewhere, and any look may be refused.
    """
    if isinstance(fault, RuntimeError) and "Symlink loop" in str(fault):  # up to Python 3.12
        return f"{fault}; check the path"
    if not isinstance(fault, OSError):
        return None
    if fault.errno in FULL_DISK:
        return f"the disk is full{_of(fault)}; free some space and try again"
    if fault.errno in _REFUSALS:
        return f"{fault.filename or 'a file'}: {fault.strerror}; check the path and your rights"
    return None


def _of(fault: OSError) -> str:
    return f": {fault.filename} was not written" if fault.filename else ""
