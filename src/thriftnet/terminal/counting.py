"""How far work has come that says nothing else for a while, on a terminal's standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def counting(what: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how many of all are done, while the block lasts; elsewhere than on a terminal, nothing.

    Args:
        what: Is counted.
        shown: False: nothing in any case.

    Yields:
        To be called with the number that is done and the number of all.
    """
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield _count_silently
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Drawn as it is told, by no thread of its own.
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, auto_refresh=False
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total, refresh=True)


def _count_silently(_done: int, _total: int) -> None:
    """Nobody looks."""
