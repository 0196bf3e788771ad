"""Lines that fit a terminal: broken between words, by display width."""

from __future__ import annotations

import os
import re
from typing import TextIO

from rich.cells import cell_len, chop_cells

_LEAST = 20
"""Least width of a line; a narrower terminal breaks it again."""
_COMMAND = r"(?:(?<=: )|(?<= or   ))thriftnet(?: [^\s;]+)+;?"
"""As it stands in messages: `resume with: thriftnet train …`, `next: thriftnet …   or   …`."""
_WORD = re.compile(r"(\s*)(\S+)")
_WORD_OR_COMMAND = re.compile(rf"(\s*)({_COMMAND}|\S+)")
_FIELD = re.compile(r"(\s*)(\S+(?:\s\S+)*)")
"""What wider space separates, such as `cat 0.998` in `cat 0.998  dog 0.002`."""


def wrapped(
    text: str, width: int, *, first: str = "", indent: str = "", copied: bool = True
) -> list[str]:
    """Break a paragraph into lines.

    Args:
        text: The paragraph. Wider space between words is kept within a line, and a line is broken
            there rather than between other words.
        width: Columns of a line, its start included.
        first: Start of the first line.
        indent: Start of the other lines.
        copied: Whether a command stays whole, and a word longer than a line, such as a path: the
            terminal breaks it, and copies it without a line break, which would cut a path in two
            and a command short. False, for a column of a table: nothing is wider than the column.
    """
    width = max(_LEAST, width)
    lines: list[str] = []
    start, line = first, ""
    words = _WORD_OR_COMMAND if copied else _WORD
    for field in _FIELD.finditer(text):
        whole = line != "" and cell_len(indent + field[2]) <= width
        for each in [field] if whole else words.finditer(text, *field.span()):
            gap, word = each[1].replace("\n", " "), each[2]
            if not line:
                line = word if lines else gap + word
            elif not gap or cell_len(f"{start}{line}{gap}{word}") <= width:
                line += gap + word
            else:
                lines.append(start + line)
                start, line = indent, word
            if not copied:
                *full, line = chop_cells(line, max(1, width - cell_len(start)))
                for part in full:
                    lines.append(start + part)
                    start = indent
    return [*lines, (start + line).rstrip()]


def width_of(stream: TextIO) -> int | None:
    """Columns of the terminal that a stream writes to; None: it is a file or a pipe."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # no descriptor, or one without a size
        return 80
