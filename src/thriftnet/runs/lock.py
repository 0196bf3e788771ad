"""A lock that lets one process write to a run; the system releases it when the process ends.

The lock file remains and means nothing by itself. On a file system without locks, the process named
in it holds the lock while it is alive or, on another machine, while the run's status is recent.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from thriftnet.commands import command
from thriftnet.errors import RunError
from thriftnet.files import explain_os_error
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import parse_line
from thriftnet.runs.status import SILENT_SECONDS

_PAUSE = 0.05
"""Seconds between two attempts; `find_writer` also takes the lock for an instant."""
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""For a pipe of that name."""


@contextlib.contextmanager
def writing(
    run: RunFolder, *, wait: float = 1.0, say: Callable[[str], None] = lambda _: None
) -> Generator[None]:
    """Hold the exclusive lock of a run.

    Args:
        run: An existing run.
        wait: Seconds to wait for another process.
        say: Called with a warning if the file system has no locks.

    Raises:
        RunError: Another process writes to it, or the folder cannot be written.
    """
    handle = _take(run, wait=wait, say=say)
    try:
        with contextlib.suppress(OSError):  # on a full disk, the holder is not named
            _write(
                handle,
                {"pid": os.getpid(), "host": platform.node(), "born": _start_time(os.getpid())},
            )
        try:
            yield
        finally:  # without locks, the name alone would keep this process's next writer out
            with contextlib.suppress(OSError):
                _write(handle, {})
    finally:
        os.close(handle)


def _take(run: RunFolder, *, wait: float, say: Callable[[str], None]) -> int:
    """Open and lock the lock file.

    A received folder may hold another name of a file elsewhere, which must not be overwritten.
    """
    path = run.lock_path
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINKS | _NO_WAIT, 0o666)
        except OSError as fault:
            raise RunError(explain_os_error(fault, path)) from None
        try:
            _acquire(run, handle, wait=wait, say=say)
            facts, now = os.fstat(handle), path.lstat()
            if os.path.samestat(facts, now):
                if facts.st_nlink <= 1:
                    return handle
                path.unlink()
        except FileNotFoundError:  # another process has just replaced it
            pass
        except BaseException as fault:
            os.close(handle)
            if isinstance(fault, OSError):
                raise RunError(explain_os_error(fault, path)) from None
            raise
        os.close(handle)


def find_writer(run: RunFolder) -> str | None:
    """The process that writes to a run, such as `process 4242 on laptop`; None without one."""
    try:
        handle = os.open(run.lock_path, os.O_RDONLY | _NO_LINKS | _NO_WAIT)
    except OSError:
        return None
    try:
        free = _lock(handle, shared=True)
        holder = _read(handle)
        held = _is_alive(run, holder) if free is None else not free
        return _name(holder) if held else None
    finally:
        os.close(handle)


def _acquire(run: RunFolder, handle: int, *, wait: float, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait
    while (taken := _lock(handle)) is False and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    holder = _read(handle)
    if taken is False or (taken is None and _is_alive(run, holder)):
        raise RunError(
            f"{run.path} is being trained by {_name(holder)}; "
            f"follow it with: {command('watch', run.path)}"
        )
    if taken is None:
        say(f"the file system of {run.path} has no file locks; do not train it twice at once")


def _lock(handle: int, *, shared: bool = False) -> bool | None:
    """Try to lock; None if the file system has no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_alive(run: RunFolder, holder: dict[str, Any]) -> bool:
    """Whether the process named in a lock file is alive."""
    if not holder:
        return False
    if holder.get("host") != platform.node():
        status, age = run.status()
        return bool(status) and age < SILENT_SECONDS
    pid = holder.get("pid")
    return isinstance(pid, int) and _start_time(pid) == holder.get("born") is not None


def _start_time(pid: int) -> str | None:
    """Start time of a process in clock ticks; None if it has ended or is unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, ValueError, IndexError):
        return None


def _read(handle: int) -> dict[str, Any]:
    os.lseek(handle, 0, os.SEEK_SET)  # Windows has no pread
    return parse_line(os.read(handle, 1000)) or {}


def _write(handle: int, holder: dict[str, Any]) -> None:
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, json.dumps(holder).encode() if holder else b"")


def _name(holder: dict[str, Any]) -> str:
    if not holder:
        return "another process"
    return f"process {holder.get('pid')} on {holder.get('host')}"
