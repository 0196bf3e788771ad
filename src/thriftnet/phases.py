"""Phases of long work, for progress displays.

A command shows them in its line on standard error (`terminal.work`). Without one, as in a program
that imports the package, a phase costs nothing and shows nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Protocol

Count = Callable[[int, int], None]
"""Called with the number that is done, and the total."""


class Display(Protocol):
    """Shows what is being done."""

    def phase(self, what: str) -> contextlib.AbstractContextManager[Count]:
        """Show that something is being done; afterwards, what was shown before."""
        ...


_display: ContextVar[Display | None] = ContextVar("display", default=None)


@contextlib.contextmanager
def show_phases(display: Display) -> Generator[None]:
    """Show the phases of the block."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def are_shown() -> bool:
    """Whether anybody shows phases."""
    return _display.get() is not None


def phase(what: str) -> contextlib.AbstractContextManager[Count]:
    """A block of long work; call what it gives to count.

    Args:
        what: Such as "decoding pictures".
    """
    display = _display.get()
    return contextlib.nullcontext(uncounted) if display is None else display.phase(what)


def uncounted(_done: int, _total: int) -> None:
    """Nobody shows it."""
