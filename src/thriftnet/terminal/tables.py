"""Tables as lines of a terminal: numbers to the right, the rest cut or left out to fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from thriftnet.plain import plain
from thriftnet.table import Table
from thriftnet.terminal.text import fit, row_of

_LEAST = 12
"""Columns to which a text is cut at most."""


def table_lines(
    table: Table, *, room: int | None = None, shrink: str = "", head: bool = True, indent: str = ""
) -> list[str]:
    """A line for each row.

    Args:
        table: What is shown.
        room: Width of the terminal; none: as wide as the table is.
        shrink: Name of the column that is cut where there is no room for all.
        head: Whether the names of the columns stand above.
        indent: What each line begins with.
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
    """The table without those of the columns `drop`, in that order, that there is no room for."""
    for name in drop:
        lines = table_lines(table, room=room, shrink=shrink)
        if max(map(cell_len, lines), default=0) <= room:
            break
        table = table.without(name)
    return table


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)
