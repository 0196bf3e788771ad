"""Whether a place can be written, asked before the work whose result it is to hold."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from thriftnet.errors import ThriftnetError
from thriftnet.files import explain_os_error, mode_of


def check_writable(path: Path, *, error: type[ThriftnetError], inputs: Iterable[Path] = ()) -> None:
    """See that a file can be written.

    Args:
        path: Of the file.
        error: What is raised.
        inputs: Files that the work reads, and that its result is not to replace.

    Raises:
        ThriftnetError: Of class `error`: it cannot, or is one of the inputs.
    """
    if any(_are_one(path, each) for each in inputs):
        raise error(f"{path} is an input and would be replaced; write to another file")
    try:
        mode_of(path)
        path = path.resolve()  # of a link, the file that it names is written; mode_of saw no loop
        _refuse_unplaceable(path)
    except OSError as fault:
        raise error(explain_os_error(fault, path)) from None
    check_folder(path.parent, error=error)


def _are_one(path: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):  # one is not there or may not be looked at
        return path.samefile(other)
    return False


def _refuse_unplaceable(path: Path) -> None:
    """See that the system would put a new file in a path's place.

    Raises:
        OSError: Its name leaves no room for that of the temporary file; or, in a folder such as
            /tmp, the file that is there belongs to another user, and nobody else may replace it.
    """
    with contextlib.suppress(FileNotFoundError):
        path.with_name(f".{path.name}.{8 * '0'}").lstat()
    if sys.platform != "win32" and path.exists():
        folder, owner = path.parent.stat(), path.stat().st_uid
        if folder.st_mode & stat.S_ISVTX and os.geteuid() not in {0, folder.st_uid, owner}:
            raise PermissionError(errno.EPERM, "it belongs to another user")


def check_folder(path: Path, *, error: type[ThriftnetError]) -> None:
    """See that something can be put into a folder, which need not be there yet.

    Raises:
        ThriftnetError: Of class `error`: it cannot.
    """
    there = path
    try:
        path = path.resolve()
        there = next(each for each in (path, *path.parents) if each.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as fault:
        raise error(explain_os_error(fault, there)) from None
    except RuntimeError as fault:  # up to Python 3.12: a loop of links
        raise error(f"{path} cannot be written: {fault}; check the path") from None
