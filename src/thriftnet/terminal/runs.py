"""Prints the list of runs, and removable checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from thriftnet.plain import plain
from thriftnet.runs.cleanup import SupersededFiles
from thriftnet.runs.filters import as_text
from thriftnet.runs.listing import USUAL_COLUMNS, ListedRun, Value
from thriftnet.table import Format, cell, make_table
from thriftnet.terminal.tables import narrowed, print_table, wrapped_lines
from thriftnet.terminal.text import print_whole, print_wrapped, show_bytes, terminal_width

_LEFT_OUT_FIRST = ("started", "seconds", "parameters", "epoch", "recipe", "seed")
"""Columns dropped first in a narrow terminal."""
_SHARES = {"accuracy", "balanced_accuracy", "top5", "val_accuracy"}
_LARGE = {"parameters", "macs", "max_parameters"}


def print_runs(runs: Sequence[ListedRun], columns: Sequence[str] | None) -> None:
    """Print a line per run.

    Args:
        runs: The runs, in order.
        columns: Columns to show; None: the usual ones that fit the terminal.
    """
    shown = list(columns or USUAL_COLUMNS)
    rows = [[cell(run.value(column), _format(column)) for column in shown] for run in runs]
    table = make_table(shown, rows)
    if columns is None:
        room = terminal_width()
        table = narrowed(table, room=room, shrink="name", drop=_LEFT_OUT_FIRST)
    print_table(table, shrink="name")
    hidden = [column for column in shown if column not in table.columns]
    if hidden:
        print()
        print_wrapped(f"too narrow for {', '.join(hidden)}; choose columns with --columns")
    if not columns or "problem" not in columns:
        for run in runs:
            if run.value("problem"):
                print()
                print_whole(f"{plain(str(run.value('path')))}: {plain(str(run.value('problem')))}")


def print_superseded(found: Sequence[SupersededFiles]) -> None:
    """Print removable checkpoints and their size."""
    runs = "1 finished run" if len(found) == 1 else f"{len(found)} finished runs"
    rows = [
        (entry.size, str(entry.run.path), ", ".join(path.name for path in entry.files))
        for entry in found
    ]
    total = (sum(entry.size for entry in found), f"in the checkpoints of {runs}", "")
    table = make_table((("size", show_bytes), "run", "files"), [*rows, total])
    room = terminal_width()
    print("\n".join(wrapped_lines(table, room=room, head=False)))


def _format(column: str) -> Format:
    """Format of a column."""

    def show(value: Value) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return as_text(value)
        if column in _SHARES:
            return f"{value:.4f}"
        if column == "seconds":
            return f"{value:,.0f}"
        if isinstance(value, float):
            return f"{value:.4g}"
        return f"{value:,}" if column in _LARGE else str(value)

    return show
