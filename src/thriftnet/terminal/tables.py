"""Formats tables for a terminal: right-aligned numbers, truncated text, columns that fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from thriftnet.plain import plain
from thriftnet.table import Table
from thriftnet.terminal.text import fit, row_of, shortened, terminal_width
from thriftnet.wrapping import wrapped

_LEAST = 20
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
    top = [[plain(name) for name in table.columns]] if head else []
    if not top + rows:
        return []
    widths = [max(map(cell_len, column)) for column in zip(*top, *rows, strict=True)]
    if room is not None and shrink:
        at = table.columns.index(shrink)
        over = len(indent) + _width(widths) - room
        widths[at] = max(min(widths[at], _LEAST), widths[at] - max(0, over))
        names = shortened([row[at] for row in rows], widths[at])
        for row, name in zip(rows, names, strict=True):
            row[at] = name
    columns = list(zip(widths, table.numeric, strict=True))
    return [
        indent + row_of(fit(c, w, right=n) for c, (w, n) in zip(row, columns, strict=True))
        for row in top + rows
    ]


def narrowed(table: Table, *, room: int, shrink: str = "", drop: Sequence[str]) -> Table:
    """Drop columns of `drop`, in that order, until the table fits."""
    for name in drop:
        lines = table_lines(table, room=room, shrink=shrink)
        if max(map(cell_len, lines), default=0) <= room:
            break
        table = table.without(name)
    return table


def print_table(table: Table, *, shrink: str = "", head: bool = True, indent: str = "") -> None:
    """Print a table; a terminal that is narrower loses none of it.

    There it comes as several tables, each with the first column, and where two columns are too wide
    as records: a line per value.

    Args:
        table: The table.
        shrink: Name of the column to truncate before that.
        head: Whether to show the column names.
        indent: Start of each line.
    """
    room = terminal_width()
    parts = [
        table_lines(part, room=room, shrink=_there(shrink, part), head=head, indent=indent)
        for part in _parted(table, room - len(indent), shrink, head=head)
    ]
    if any(cell_len(line) > room for lines in parts for line in lines):
        parts = _records(table, room, indent=indent)
    print("\n\n".join("\n".join(lines) for lines in parts))


def wrapped_lines(table: Table, *, room: int, head: bool = True, indent: str = "") -> list[str]:
    """Format a table whose last column is continued below itself where there is no room.

    Where the other columns leave it fewer than 20, it stands below them.
    The arguments are those of `table_lines`.
    """
    last = len(table.columns) - 1
    starts = table_lines(table.at(range(last)), head=head, indent=indent)
    left = max(map(cell_len, starts), default=0) + 2
    below = f"{indent}    "
    texts = [row[last].text for row in table.rows]
    if head:
        texts = [table.columns[last], *texts]
    lines: list[str] = []
    for start, text in zip(starts, map(plain, texts), strict=True):
        if room - left < _LEAST:
            lines += [start, *wrapped(text, room, first=below, indent=below, copied=False)]
        else:
            column = " " * left
            lines += wrapped(text, room, first=fit(start, left), indent=column, copied=False)
    return lines


def _parted(table: Table, room: int, shrink: str, *, head: bool) -> list[Table]:
    """Tables of as many columns each as fit, all of which begin with the first."""

    def fits(places: Sequence[int]) -> bool:
        part = table.at(places)
        lines = table_lines(part, room=room, shrink=_there(shrink, part), head=head)
        return max(map(cell_len, lines), default=0) <= room

    parts: list[list[int]] = [[0]]
    for place in range(1, len(table.columns)):
        if len(parts[-1]) == 1 or fits([*parts[-1], place]):
            parts[-1].append(place)
        else:
            parts.append([0, place])
    return [table.at(part) for part in parts]


def _there(name: str, table: Table) -> str:
    return name if name in table.columns else ""


def _records(table: Table, room: int, *, indent: str) -> list[list[str]]:
    """A list of lines for each row: the name of each column, and the value."""
    names = [f"{indent}{plain(name)}" for name in table.columns]
    left = max(map(cell_len, names)) + 2
    return [
        [
            line
            for name, cell in zip(names, row, strict=True)
            for line in wrapped(plain(cell.text), room, first=fit(name, left), indent=" " * left)
        ]
        for row in table.rows
    ]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)
