"""Shows on standard error what a command is doing and how long it will take.

On a terminal one line is redrawn, and removed at the end. A file or a pipe gets a line after one
second, then after 5, 10, 20 and 40 more, then every minute, so that a log stays short.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Generator

from rich.text import Text

from thriftnet.phases import Count, show_phases
from thriftnet.plain import plain, to_stderr
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.table import clock

SWITCH = "THRIFTNET_PROGRESS"
"""Environment variable; 0: standard error has warnings and errors alone."""

_WAITS = (1.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each line in a log; the last one again and again."""
_BAR = 16


class Work:
    """What is being done; set by the thread that works, and read by the one that shows it."""

    def __init__(self, text: str, *, shown: bool = True) -> None:
        self.over = threading.Event()
        self._shown = shown and os.environ.get(SWITCH) != "0"
        self._thread: threading.Thread | None = None
        self._text, self._began, self._counted = text, time.monotonic(), (0, 0, 0)
        """The last: number done when the count began, number done now, and total."""

    def show(self) -> None:
        """Show it, unless it is shown already."""
        if not self._shown or self._thread is not None:
            return
        self.over.clear()
        if sys.stdout:
            sys.stdout.flush()  # into a pipe, what was printed before would come after the lines
        console = CleanConsole(stderr=True)
        show = _redraw if console.is_terminal else _log
        self._thread = threading.Thread(target=show, args=(self, console), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop showing it."""
        self.over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def now(self, text: str) -> None:
        """Begin something else; what is shown already goes on, with its clock."""
        if self._thread and text == self._text and not self._counted[-1]:
            return
        self._text, self._began = text, time.monotonic()
        self._counted = (0, 0, 0)

    def update(self, text: str) -> None:
        """Change the text of what is being done."""
        self._text = text

    @contextlib.contextmanager
    def phase(self, what: str) -> Generator[Count]:
        """As `phases.Display` says."""
        before = self._text, self._began, self._counted
        self.now(what)
        try:
            yield self.counting(what)
        finally:
            self._text, self._began, self._counted = before

    def counting(self, what: str) -> Count:
        """A function to be called with the number of `what` that are done, and the total."""

        def count(done: int, total: int) -> None:
            first = self._counted[0]
            if self._text != what:
                self.now(what)
                first = done
            self._counted = (first, done, total)

        return count

    @property
    def began(self) -> float:
        """Start of what is being done, by `time.monotonic()`."""
        return self._began

    def line(self, *, bar: bool = False, width: int | None = None) -> str:
        """One line: what is being done, the count, and the time taken or left.

        Args:
            bar: Whether to draw the count.
            width: Columns to fit; what is being done is cut, never the time.
        """
        # Read once: the thread that works may begin something else meanwhile.
        (first, done, total), began = self._counted, self._began
        seconds = time.monotonic() - began
        text = Text(plain(self._text))
        if not total:
            return _fitted(text, f"  {clock(seconds)}", width)
        filled = round(_BAR * done / total)
        drawn = f"{'━' * filled}{'╌' * (_BAR - filled)}  " if bar else ""
        left = f"  {clock(seconds * (total - done) / (done - first))} left" if done > first else ""
        return _fitted(text, f"  {drawn}{done:,}/{total:,}{left}", width)


def _fitted(text: Text, end: str, width: int | None) -> str:
    if width is not None:
        text.truncate(max(width - len(end), 1), overflow="ellipsis")
    return f"{text.plain}{end}"


@contextlib.contextmanager
def working(text: str, *, shown: bool = True) -> Generator[Work]:
    """Show what is being done, and its phases, until the end of the block or `Work.end`.

    Args:
        text: Such as "loading best".
        shown: False: show nothing.
    """
    work = Work(text, shown=shown)
    work.show()
    try:
        with show_phases(work):
            yield work
    finally:
        work.end()


def _redraw(work: Work, console: CleanConsole) -> None:
    with CleanLive(console, transient=True) as live:
        while True:
            line = work.line(bar=True, width=console.width)
            live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
            if work.over.wait(0.125):
                return


def _log(work: Work, _: CleanConsole) -> None:
    began, at = work.began, 0
    due = began + _WAITS[0]
    while not work.over.wait(0.1):
        if work.began != began:
            began, at = work.began, 0
            due = began + _WAITS[0]
        elif time.monotonic() >= due:
            at = min(at + 1, len(_WAITS) - 1)
            due = time.monotonic() + _WAITS[at]
            to_stderr(f"thriftnet: {work.line()}")
