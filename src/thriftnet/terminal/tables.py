"""Formats tables for a terminal: right-aligned numbers, truncated text, dropped columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from thriftnet.plain import plain
from thriftnet.table import Table
from thriftnet.terminal.text import fit, row_of

_LEAST = 12
"""Minimum width of a truncated column."""


def table_lines(
    table: Table, *, room: int | None = None, shrink: str = "", head: bool = True, indent: str = ""
) -> list[str]:
    """Format a table, one line per row.

    Args:
        table: The table.
        room: Width of the terminal; None: unlimited.
        shrink: Name of the column to truncate if needed.
        head: Whether to show the column names.
        indent: Prefix of each line.
    """
    rows = [[plain(cell.text) for cell in row] for row in table.rows]
    if head:
        rows = [[plain(name) for name in table.columns], *rows]
    if not rows:
        return []
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if room is not None and shrink:
        at = table.columns.index(shrink)
        over = len(indent) + _width(widths) - room
        widths[at] = max(min(widths[at], _LEAST), widths[at] - max(0, over))
    numbers = [any(row[at].value is not None for row in table.rows) for at in range(len(widths))]
    columns = list(zip(widths, numbers, strict=True))
    return [
        indent + row_of(fit(c, w, right=n) for c, (w, n) in zip(row, columns, strict=True))
        for row in rows
    ]


def narrowed(table: Table, *, room: int, shrink: str, drop: Sequence[str]) -> Table:
    """Drop columns of `drop`, in that order, until the table fits."""
    for name in drop:
        lines = table_lines(table, room=room, shrink=shrink)
        if max(map(cell_len, lines), default=0) <= room:
            break
        table = table.without(name)
    return table


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)
