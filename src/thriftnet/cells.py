"""CSV rows that no spreadsheet evaluates as formulas and that read back unchanged."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters of cells that a spreadsheet may evaluate."""


def csv_row(values: Sequence[Any]) -> str:
    """Format one row, with its line break."""
    cells = [safe_cell(value) for value in values]
    # The csv module does not quote a carriage return, and readers end the row there.
    quoting = csv.QUOTE_ALL if any("\r" in str(cell) for cell in cells) else csv.QUOTE_MINIMAL
    line = io.StringIO()
    csv.writer(line, lineterminator="\n", quoting=quoting).writerow(cells)
    return line.getvalue()


def safe_cell(value: Any) -> Any:
    """Escape a value that a spreadsheet would evaluate as a formula.

    File and class names are untrusted, and `=HYPERLINK(...)` in a cell would run. A path gets `./`
    in front, which names the same file; other text gets the apostrophe that spreadsheets hide.
    Signed numbers stay as they are.
    """
    text = str(value)
    if isinstance(value, int | float) or not text.startswith(_FORMULA) or _is_number(text):
        return value
    return f"./{text}" if isinstance(value, Path) else f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
