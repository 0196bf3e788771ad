"""Files that are written whole or not at all, and none that is no file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

from thriftnet.errors import ThriftnetError

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error numbers of a disk, a quota or a file system's file size that is used up."""


def cache_folder() -> Path:
    """What can be made or fetched again: `THRIFTNET_CACHE`, else the platform's cache folder.

    Where no home folder is known (a container's user without an entry in passwd), a folder of that
    user's own among the temporary files.
    """
    chosen = os.environ.get("THRIFTNET_CACHE")
    with contextlib.suppress(RuntimeError):  # no home folder is known
        folder = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("thriftnet")
        if chosen or folder.is_absolute():  # platformdirs may leave `~` as it is
            return folder
    return Path(tempfile.gettempdir()) / f"thriftnet-{os.getuid()}"


def settle_without_home() -> None:
    """Give packages of others what they ask for where no home folder and no user name is known."""
    try:
        Path.home()
    except RuntimeError:
        os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
        os.environ.setdefault("LOGNAME", str(os.getuid()))  # getpass, as MLflow uses it


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
    former: Path | None = None,
) -> Iterator[IO[bytes]]:
    """A file to write beside `path`; it takes the path's place when the block ends well.

    If the block fails, the file at `path` is as it was and nothing is left beside it. Of a link,
    the file that it names is written. A file that is there keeps its mode; a new one has what the
    umask leaves of 0666. Once the block has ended, a power cut undoes nothing.

    Args:
        path: Of the file.
        error: What is raised of the faults that a user can mend.
        keep: Whether what was written stays as PATH.part if the block fails.
        former: In the same folder: where the file goes that was at `path`.

    Raises:
        ThriftnetError: Of class `error`: the disk is full or the folder cannot be written.
        OSError: The same faults, where no `error` is named.
    """
    temporary: Path | None = None
    try:
        mode = _mode_of(path)
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if keep:
            temporary = path.with_name(f"{path.name}.part")
            temporary.unlink(missing_ok=True)  # not written to: it may be a link
        else:
            remove_leftovers(path)
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = _open_new(temporary)
        with os.fdopen(handle, "wb") as file:
            if mode is not None:
                with contextlib.suppress(OSError):  # a file system without modes
                    temporary.chmod(mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
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


def _open_new(path: Path) -> int:
    """A new file, locked while it is written, so that nobody takes it for a leftover."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(handle, wait=True)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # removed before it was locked


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


def _lock(handle: int, *, wait: bool = False) -> bool:
    """Lock a file that is written, waiting for others; or see that nobody writes it."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
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


def _mode_of(path: Path) -> int | None:
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


def check_writable(path: Path, *, error: type[ThriftnetError]) -> None:
    """See that a file can be written, before the work whose result it is to hold.

    Raises:
        ThriftnetError: Of class `error`: it cannot.
    """
    try:
        _mode_of(path)
    except OSError as fault:
        raise error(explain_os_error(fault, path)) from None
    check_folder(path.parent, error=error)


def check_folder(path: Path, *, error: type[ThriftnetError]) -> None:
    """See that something can be put into a folder, which need not be there yet.

    Raises:
        ThriftnetError: Of class `error`: it cannot.
    """
    path = path.resolve()
    there = next(each for each in (path, *path.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as fault:
        raise error(explain_os_error(fault, there)) from None


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
    if fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{path} cannot be written: {fault.strerror}; choose a folder that you may write"
    return f"{path} cannot be written: {fault.strerror or fault}; check the path and the disk"
