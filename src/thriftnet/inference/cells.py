"""Rows of CSV files that no spreadsheet runs, and that are read back as they were written."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet may run."""


def csv_row(values: Sequence[Any]) -> str:
    """A line of a CSV file."""
    cells = [safe_cell(value) for value in values]
    # The module leaves a carriage return without quotes, and readers end the row there.
    quoting = csv.QUOTE_ALL if any("\r" in str(cell) for cell in cells) else csv.QUOTE_MINIMAL
    line = io.StringIO()
    csv.writer(line, lineterminator="\n", quoting=quoting).writerow(cells)
    return line.getvalue()


def safe_cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula.

    File names and class names come from strangers, and `=HYPERLINK(...)` in a cell would run. Of a
    path, `./` in front names the same file; a text gets the apostrophe that spreadsheets hide. A
    number may have a sign.
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
