"""What a command is doing and how long it will take, on standard error while it says nothing else.

On a terminal one line is redrawn and goes away in the end. In a file or a pipe a line comes after a
second, then after 5, 10, 20 and 40 more, then every minute: a log is read, and stays short.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from rich.text import Text

from thriftnet.plain import plain, to_stderr
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.table import clock

SWITCH = "THRIFTNET_PROGRESS"
"""Environment variable; 0: standard error has warnings and errors alone."""

_WAITS = (1.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each line in a log; the last one again and again."""
_BAR = 16


class Work:
    """What is being done now, told by the thread that does it and read by the one that shows it."""

    def __init__(self, text: str, *, shown: bool = True) -> None:
        self.over = threading.Event()
        self._shown = shown and os.environ.get(SWITCH) != "0"
        self._thread: threading.Thread | None = None
        self.now(text)

    def show(self) -> None:
        """Begin to show it, where it is not shown."""
        if not self._shown or self._thread is not None:
            return
        self.over.clear()
        console = CleanConsole(stderr=True)
        show = _redraw if console.is_terminal else _log
        self._thread = threading.Thread(target=show, args=(self, console), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Show nothing more; something else does."""
        self.over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def now(self, text: str) -> None:
        """Name what begins."""
        self._text, self._began = text, time.monotonic()
        self._first = self._done = self._total = 0

    def update(self, text: str) -> None:
        """Say more of what is done already."""
        self._text = text

    def counting(self, what: str) -> Callable[[int, int], None]:
        """What is to be called with the number of `what` that are done, and of all."""

        def told(done: int, total: int) -> None:
            if self._text != what:
                self.now(what)
                self._first = done
            self._done, self._total = done, total

        return told

    @property
    def began(self) -> float:
        """When that which is done now began, by `time.monotonic()`."""
        return self._began

    def line(self, *, bar: bool = False) -> str:
        """One line: what, how much of it, and the time that it took or will take."""
        seconds, done = time.monotonic() - self._began, self._done - self._first
        if not self._total:
            return f"{plain(self._text)}  {clock(seconds)}"
        filled = round(_BAR * self._done / self._total)
        drawn = f"{'━' * filled}{'╌' * (_BAR - filled)}  " if bar else ""
        left = f"  {clock(seconds * (self._total - self._done) / done)} left" if done > 0 else ""
        return f"{plain(self._text)}  {drawn}{self._done:,}/{self._total:,}{left}"


@contextlib.contextmanager
def working(text: str, *, shown: bool = True) -> Iterator[Work]:
    """Say what is being done, while the block lasts or until `Work.end`.

    Args:
        text: Such as "loading best".
        shown: False: nothing is said in any case.
    """
    work = Work(text, shown=shown)
    work.show()
    try:
        yield work
    finally:
        work.end()


def _redraw(work: Work, console: CleanConsole) -> None:
    with CleanLive(console, transient=True) as live:
        while True:
            live.update(Text(work.line(bar=True), no_wrap=True, overflow="ellipsis"), refresh=True)
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
