"""Tables for pages, documents and terminals: named columns with a format, and rows.

`markdown` is here; `report/assets/report.html.j2` renders HTML, `terminal/tables.py` text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

MISSING = "–"
Format = str | Callable[[Any], str]
"""A format specification, such as `,` or `.2%`, or a function from a value to its text."""


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and the number to sort by if it has one."""

    text: str
    value: float | None = None
    strong: bool = False

    @property
    def missing(self) -> bool:
        """Whether it stands for a value that is not known."""
        return self.text == MISSING


@dataclass(frozen=True)
class Table:
    """Rows under named columns. Numeric columns are right-aligned."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    folded: bool = False
    """Whether it is collapsed on a page."""
    wide: bool = True
    """Whether it has the full width of a page."""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column has a number; a value that is missing is aligned with the others."""
        return tuple(
            any(row[at].value is not None for row in self.rows) for at in range(len(self.columns))
        )

    def without(self, *names: str) -> Table:
        """The table without some columns."""
        return self.at([at for at, name in enumerate(self.columns) if name not in names])

    def at(self, places: Sequence[int]) -> Table:
        """The columns at these places, counted from 0."""
        rows = tuple(tuple(row[place] for place in places) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in places), rows=rows)

    def markdown(self) -> str:
        """Render as GitHub Markdown."""
        lines = [_line(self.columns), "|" + " --- |" * len(self.columns)]
        texts = [[f"**{c.text}**" if c.strong else c.text for c in row] for row in self.rows]
        return "\n".join([*lines, *map(_line, texts)])


def make_table(
    columns: Sequence[str | tuple[str, Format]],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    folded: bool = False,
    wide: bool = True,
) -> Table:
    """Make a table of plain values.

    Args:
        columns: Names, optionally with a format; integers have `,` by default.
        rows: A value per column. None is shown as a dash, a `Cell` unchanged.
        title: Title on a page.
        folded: Whether it is collapsed on a page.
        wide: Whether it has the full width of a page.
    """
    pairs = [(column, "") if isinstance(column, str) else column for column in columns]
    cells = tuple(
        tuple(cell(value, form) for value, (_, form) in zip(row, pairs, strict=True))
        for row in rows
    )
    return Table(tuple(name for name, _ in pairs), cells, title, folded, wide)


def cell(value: Any, form: Format = "") -> Cell:
    """Format a value."""
    if isinstance(value, Cell):
        return value
    if value is None:
        return Cell(MISSING)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if callable(form):
        text = form(value)
    elif form:
        text = format(value, form)
    else:
        text = f"{value:,}" if isinstance(value, int) and number else str(value)
    return Cell(text, float(value) if number else None)


def points(value: float) -> str:
    """Format a difference of shares in percentage points."""
    return f"{100 * value:+.2f}"


def amount(value: float) -> str:
    """Format a count with three digits: 4.92M."""
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def millions(count: float) -> str:
    """Format multiply-accumulates: 110.7M."""
    return f"{count / 1e6:,.1f}M"


def clock(seconds: float) -> str:
    """Format seconds as h:mm:ss, or m:ss below an hour."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")
