"""The list of runs, and what of them can be removed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from thriftnet.plain import plain
from thriftnet.runs.cleanup import Superseded
from thriftnet.runs.filters import as_text
from thriftnet.runs.listing import USUAL_COLUMNS, ListedRun, Value
from thriftnet.terminal.text import (
    fit,
    print_wrapped,
    row_of,
    show_bytes,
    terminal_width,
)

_LEFT_OUT_FIRST = ("started", "seconds", "parameters", "epoch", "recipe", "seed")
"""Where the terminal has no room for all."""
_SHARES = {"accuracy", "top5", "val_accuracy"}


def print_runs(runs: Sequence[ListedRun], columns: Sequence[str] | None) -> None:
    """A line for each run.

    Args:
        runs: In their order.
        columns: To show, all of them; none: of the usual ones those that the terminal has room
            for.
    """
    shown = list(columns or USUAL_COLUMNS)
    cells = {column: [_cell(column, run.value(column)) for run in runs] for column in shown}
    widths = {column: max(map(cell_len, [column, *cells[column]])) for column in shown}
    if columns is None:
        room = terminal_width(otherwise=1000)  # a file or a pipe has room for all
        widths["name"] = min(widths["name"], max(12, room // 3))
        for column in _LEFT_OUT_FIRST:
            if sum(widths[c] + 2 for c in shown) - 2 > room:
                shown.remove(column)
    numbers = {
        column: any(isinstance(run.value(column), int | float) for run in runs) for column in shown
    }
    print(row_of([fit(column, widths[column], right=numbers[column]) for column in shown]))
    for at in range(len(runs)):
        print(row_of([fit(cells[c][at], widths[c], right=numbers[c]) for c in shown]))
    hidden = [column for column in USUAL_COLUMNS if column not in shown] if not columns else []
    if hidden:
        print()
        print_wrapped(f"no room for {', '.join(hidden)}; name columns with --columns")
    if not columns or "problem" not in columns:
        for run in runs:
            if run.value("problem"):
                print(f"\n{plain(str(run.value('path')))}: {plain(str(run.value('problem')))}")


def print_superseded(found: Sequence[Superseded]) -> None:
    """What could be removed, and how much it is."""
    for entry in found:
        names = ", ".join(path.name for path in entry.files)
        print(f"{show_bytes(entry.size):>9}  {plain(str(entry.run.path))}  {names}")
    total = show_bytes(sum(entry.size for entry in found))
    runs = "1 finished run" if len(found) == 1 else f"{len(found)} finished runs"
    print(f"{total:>9}  in the checkpoints of {runs}")


def _cell(column: str, value: Value) -> str:
    if value is None:
        return "–"
    if column in _SHARES and isinstance(value, int | float):
        return f"{value:.4f}"
    if column == "seconds" and isinstance(value, int | float):
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if column in {"parameters", "macs", "max_parameters"} else str(value)
    return plain(as_text(value))
