"""Silences the internal warnings of exporters."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Generator

_STREAMS = (1, 2)
"""Descriptors of standard output and standard error."""


@contextlib.contextmanager
def silent() -> Generator[None]:
    """Suppress warnings and log lines below the level of an error."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def silent_descriptors() -> Generator[None]:
    """Without what libraries in C++ write to this process's standard output and error.

    Both belong to the whole process, so what other threads write meanwhile is lost, too.
    """
    kept: dict[int, int] = {}
    _flush()
    with open(os.devnull, "wb") as nothing, contextlib.ExitStack() as after:  # noqa: PTH123
        for number in _STREAMS:
            with contextlib.suppress(OSError):  # one that is closed
                kept[number] = os.dup(number)
                after.callback(os.close, kept[number])
                os.dup2(nothing.fileno(), number)
        try:
            yield
        finally:
            _flush()
            for number, handle in kept.items():
                os.dup2(handle, number)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, or closed
            stream.flush()
