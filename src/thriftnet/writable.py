"""Checks that outputs can be written, before the work starts."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from thriftnet.errors import ThriftnetError
from thriftnet.files import explain_os_error, mode_of

_HEAD_BYTES = 2**13
"""Of a page, with its title."""


def check_writable(
    path: Path,
    *,
    error: type[ThriftnetError],
    inputs: Iterable[Path] = (),
    ours: Callable[[Path], bool] | None = None,
) -> None:
    """Check that a file can be written.

    Args:
        path: The file.
        error: Class of the error.
        inputs: Input files, which must not be overwritten.
        ours: Whether a file that is there is an earlier output of the same kind; any other one
            that is not empty is left alone. None: whatever is there is replaced.

    Raises:
        ThriftnetError: Of class `error`: it cannot, is one of the inputs, or is not ours.
    """
    if any(_are_one(path, each) for each in inputs):
        raise error(f"{path} is an input and would be replaced; write to another file")
    if _is_standard_output(path):
        raise error(
            f"{path} receives standard output or messages, which would be lost; write to another "
            "file"
        )
    try:
        mode_of(path)
        if ours is not None and path.is_file() and path.stat().st_size and not ours(path):
            raise error(
                f"{path} exists and is not an earlier output of this command; move it away, or "
                "write to another file"
            )
        path = path.resolve()  # follow links; mode_of found no loop
        _refuse_unplaceable(path)
    except OSError as fault:
        raise error(explain_os_error(fault, path)) from None
    check_folder(path.parent, error=error)


def is_page(path: Path, *, of: str) -> bool:
    """Whether a file is a page of one kind, by its title.

    Args:
        path: The file.
        of: What ends the title: `report`, `inspect`, `audit` or `explain`.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return head.startswith(b"<!DOCTYPE html>") and f" · thriftnet {of}</title>".encode() in head


def _are_one(path: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):  # one is not there or may not be looked at
        return path.samefile(other)
    return False


def _is_standard_output(path: Path) -> bool:
    """Whether a path is the regular file of standard output or error, as `/dev/stdout` may be.

    It would be replaced, and what is printed afterwards would go to the file that is gone.
    """
    with contextlib.suppress(OSError):
        found = path.stat()
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):  # it is closed
                if stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.fstat(descriptor)):
                    return True
    return False


def _refuse_unplaceable(path: Path) -> None:
    """Check that a temporary file can replace a path.

    Raises:
        OSError: The name of the temporary file would be too long; or, in a folder with the sticky
            bit such as /tmp, the existing file belongs to another user.
    """
    with contextlib.suppress(FileNotFoundError):
        path.with_name(f".{path.name}.{8 * '0'}").lstat()
    if sys.platform != "win32" and path.exists():
        folder, owner = path.parent.stat(), path.stat().st_uid
        if folder.st_mode & stat.S_ISVTX and os.geteuid() not in {0, folder.st_uid, owner}:
            raise PermissionError(errno.EPERM, "it belongs to another user")


def check_folder(path: Path, *, error: type[ThriftnetError]) -> None:
    """Check that files can be created in a folder, which need not exist yet.

    Raises:
        ThriftnetError: Of class `error`: they cannot.
    """
    there = path
    try:
        path = path.resolve()
        # What is a link still is one of a loop, which Python 3.13 resolves to itself.
        there = next(each for each in (path, *path.parents) if each.exists() or each.is_symlink())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as fault:
        raise error(explain_os_error(fault, there)) from None
    except RuntimeError as fault:  # up to Python 3.12: a loop of links
        raise error(f"{path} cannot be written: {fault}; check the path") from None
