"""A progress counter on a terminal's standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from thriftnet.screen import CleanConsole, CleanLive


@contextlib.contextmanager
def counting(what: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show a counter during the block, if standard error is a terminal.

    Args:
        what: What is counted.
        shown: False: show nothing.

    Yields:
        A function to call with the number done and the total.
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
    """Show nothing."""
