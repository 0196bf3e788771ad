"""Standard output and standard error that survive closed pipes, and clean all text.

The reader of a pipe may exit, a disk may fill up, a terminal may close. A command that only prints
then exits like other programs; one that works for hours continues without the stream.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TextIO

from thriftnet.plain import to_stderr
from thriftnet.screen import CleanStream

CLOSED_PIPE = 141
"""Exit code for a closed pipe: 128 + SIGPIPE."""


class OutputGoneError(Exception):
    """Standard output cannot be written. Not an `OSError`, which typer would handle."""

    def __init__(self, fault: OSError) -> None:
        super().__init__(fault.strerror or str(fault))
        self.fault = fault


@contextlib.contextmanager
def guarded_streams() -> Generator[None]:
    """Install both streams; `print` then raises only this error.

    Raises:
        OutputGoneError: Standard output cannot be written, and `outlast_output` was not called.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    _occupy_descriptors()
    stdin: TextIO | None = sys.stdin
    if stdin is None:  # closed before the start
        sys.stdin = io.StringIO()
    sys.stdout, sys.stderr = _guarded(sys.stdout, _refuse), _guarded(sys.stderr, _ignore)
    try:
        yield
        sys.stdout.flush()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OutputGoneError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Open the null device for standard streams that are closed at the start.

    Otherwise a file opened later would get the descriptor, and the output of C libraries.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor


def outlast_output() -> None:
    """From now on, continue if standard output goes away, with one warning."""
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(outlet, _Outlet):
        outlet.on_loss = _report


class _Outlet(io.RawIOBase):
    """A raw stream that drops what cannot be written."""

    def __init__(self, raw: io.RawIOBase, on_loss: Callable[[OSError], None]) -> None:
        self.raw = raw
        self.on_loss = on_loss
        """Called once."""
        self.lost = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.raw.isatty()

    def fileno(self) -> int:
        return self.raw.fileno()

    def write(self, content: Any) -> int:
        try:
            while not self.lost:
                count = self.raw.write(content)
                if count is not None:
                    return count
                select.select((), (self.raw,), ())  # a pipe set to non-blocking by another user
        except OSError as fault:
            self.lost = True
            self.on_loss(fault)
        return len(content)


def _guarded(stream: TextIO | None, on_loss: Callable[[OSError], None]) -> TextIO:
    if stream is None:  # closed at the start: do not write to another file
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)
    return CleanStream(
        io.BufferedWriter(_Outlet(raw, on_loss)),
        encoding=stream.encoding,
        errors="replace" if on_loss is _refuse else stream.errors,  # a sign it cannot show
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _refuse(fault: OSError) -> None:
    raise OutputGoneError(fault) from None


def _ignore(_: OSError) -> None:
    """Ignore further losses."""


def _report(fault: OSError) -> None:
    to_stderr(f"thriftnet: standard output was closed ({fault.strerror}); continuing without it")
