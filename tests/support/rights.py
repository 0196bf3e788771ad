"""Tests of what a system refuses: root as one whom permissions stop, and files that cannot grow."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_VERSION = 0x20080522
"""Of the header of capget and capset (Linux)."""
_PASS_MODES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read, write and search whatever the modes say."""


@contextlib.contextmanager
def stopped_by_modes() -> Iterator[None]:
    """A block in which this thread may do what the modes of files allow, root too."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root gives up this right on Linux alone")
    library = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    if library.capget(header, sets):
        pytest.skip("this system has no capabilities")
    effective = sets[0]
    sets[0] = effective & ~_PASS_MODES
    assert library.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = effective
        assert library.capset(header, sets) == 0


@contextlib.contextmanager
def read_only(*folders: Path) -> Iterator[None]:
    """A block in which nothing below folders may be written."""
    entries = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    modes = {path: path.stat().st_mode & 0o7777 for path in entries}
    try:
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        with stopped_by_modes():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextlib.contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """A block in which no file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content_of(*folders: Path) -> dict[Path, bytes | None]:
    """All that lies below folders; none for a folder."""
    return {
        path: path.read_bytes() if path.is_file() else None
        for folder in folders
        for path in sorted(folder.rglob("*"))
    }
