"""Text layout in columns: widths, wrapping and truncation."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

from thriftnet.names import common_start, short_names
from thriftnet.wrapping import wrapped

_NO_LIMIT = 1000
"""Columns of a file or a pipe, of which programs read whole lines."""


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Pad a text to a width, or truncate it with an ellipsis."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Names of at most so many columns, if one is wider: different names stay different."""
    if max(map(cell_len, names), default=0) <= width:
        return list(names)
    mark = "…" if common_start(names) else ""
    return [f"{mark}{name}" for name in short_names(names, longest=width - len(mark))]


def row_of(cells: Iterable[str]) -> str:
    """Join cells with space between them."""
    return "  ".join(cells).rstrip()


def print_wrapped(text: str, *, first: str = "", indent: str = "") -> None:
    """Print a paragraph, of at most 100 columns.

    Args:
        text: Its words.
        first: Start of the first line; empty: the indent.
        indent: Start of the other lines.
    """
    width = min(terminal_width(otherwise=80), 100)
    print("\n".join(wrapped(text, width, first=first or indent, indent=indent)))


def print_whole(text: str, *, otherwise: int = _NO_LIMIT) -> None:
    """Print a line as `whole` gives it.

    Args:
        text: The line.
        otherwise: Width where there is no terminal.
    """
    print("\n".join(whole(text, terminal_width(otherwise=otherwise))), flush=True)


def print_facts(facts: Iterable[tuple[str, str]], *, left: int = 16) -> None:
    """Print names and what they are, in two columns; a narrow terminal continues the second.

    Args:
        facts: Each name and its text.
        left: Columns of the names.
    """
    room = terminal_width()
    for name, text in facts:
        print("\n".join(wrapped(text, room, first=fit(name, left), indent=" " * left)))


def whole(text: str, width: int) -> list[str]:
    """A line, continued on further lines, indented, where it is wider."""
    start = len(text) - len(text.lstrip())
    return wrapped(text, width, indent=" " * (start + 4))


def terminal_width(*, otherwise: int = _NO_LIMIT) -> int:
    """Width of the terminal or from COLUMNS, else `otherwise`."""
    return shutil.get_terminal_size((otherwise, 24)).columns


def show_bytes(size: int) -> str:
    """Format a size in bytes, with powers of ten."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"
