"""How far work has come that says nothing else for a while, on a terminal's standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from thriftnet.screen import CleanConsole, CleanLive


@contextlib.contextmanager
def counting(what: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how many of all are done, while the block lasts; elsewhere than on a terminal, nothing.

    Args:
        what: Is counted.
        shown: False: nothing in any case.

    Yields:
        To be called with the number that is done and the number of all.
    """
    console = CleanConsole(stderr=True)
    if not (shown and console.is_terminal):
        yield _count_silently
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=console)
    task = progress.add_task(what, total=None)
    with CleanLive(console, progress, transient=True) as live:

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            live.refresh()

        yield told


def _count_silently(_done: int, _total: int) -> None:
    """Nobody looks."""
