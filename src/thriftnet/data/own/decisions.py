"""Decisions on pictures from a review, in a CSV file.

It has a line per picture: `picture`, `digest`, `label`, `decision` (keep, relabel, drop or empty)
and `new_label`. The digest is of the reviewed pixels, so that another picture of the same name is
not changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.cells import safe_cell
from thriftnet.data.sources.rows import Row, read_rows
from thriftnet.errors import DataError
from thriftnet.files import read_bounded

COLUMNS = ("picture", "digest", "label", "decision", "new_label")
DECISIONS = ("keep", "relabel", "drop")
_NAMES = {"picture", "label", "new_label", "suggested"}
"""Columns whose cells may have several lines."""
_MOST_BYTES = 2**27


def written(name: str) -> str:
    """A picture or class as the file names it: text in UTF-8 that no spreadsheet takes for more."""
    return str(
        safe_cell(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    )


@dataclass(frozen=True)
class Decision:
    """The decision on one picture."""

    picture: str
    digest: str
    label: str
    """Label at the time of the review."""
    decision: str
    new_label: str
    at: str = field(default="", compare=False)
    """Its line in the file, for messages."""


def picture_digest(pixels: NDArray[np.uint8]) -> str:
    """Identifies a decoded picture: its side, and 16 hex digits of a digest of its pixels."""
    return f"{len(pixels)}:{hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()[:16]}"


def read_decisions(path: Path) -> tuple[list[Decision], str]:
    """The decisions in a file, without empty ones, and the file's SHA-256.

    A spreadsheet may have saved it: with semicolons or tabs, in another order of the columns, in
    UTF-16, or without the empty cells at the end of a line.

    Raises:
        DataError: The file cannot be read, lacks a column, or has an unknown decision.
    """
    try:
        content = read_bounded(path, most=_MOST_BYTES)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}; check the path") from None
    header, *rows = read_rows(path, content, needs=f"the columns {', '.join(COLUMNS)}")
    columns = [cell.strip().lower() for cell in header.cells]
    for name in COLUMNS:
        if columns.count(name) != 1:
            how = "lacks the column" if name not in columns else "has two columns of the name"
            raise DataError(
                f"{path} {how} {name}; keep the columns of the file that thriftnet audit wrote"
            )
    found: dict[str, Decision] = {}
    for row in rows:
        if fault := _misread(row, columns):
            raise DataError(f"{path}, {row}: {fault}")
        cells = dict(zip(columns, map(str.strip, row.cells), strict=False))
        values = {name: cells.get(name, "") for name in COLUMNS}
        values["decision"] = values["decision"].lower()
        each = Decision(**values, at=str(row))
        if fault := _wrong_with(each, found.get(each.picture)):
            raise DataError(f"{path}, {row}: {fault}")
        if each.decision:
            found[each.picture] = each
    return list(found.values()), hashlib.sha256(content).hexdigest()


def _misread(row: Row, columns: Sequence[str]) -> str | None:
    """Why a line cannot have been split as it was meant."""
    if any(cell.strip() for cell in row.cells[len(columns) :]):
        return "it has more cells than there are columns; put a name with commas in quotation marks"
    split = (n for n, cell in zip(columns, row.cells, strict=False) if "\n" in cell)
    if row.last and (len(row.cells) < len(columns) or not {*split} <= _NAMES):
        return "a quotation mark is not closed; close or remove it"
    return None


def _wrong_with(each: Decision, before: Decision | None) -> str | None:
    """What is wrong with a line by itself, and beside an earlier one of the same picture."""
    if each.decision not in ("", *DECISIONS):
        return f"{each.decision!r} is not one of {', '.join(DECISIONS)}; correct it"
    if each.decision and not each.picture:
        return f"it decides {each.decision} and names no picture; name it, or delete the line"
    if each.decision == "relabel" and not each.new_label:
        return "relabel needs a class in new_label; add it, or decide keep or drop"
    if each.new_label and each.decision != "relabel":
        return f"new_label {each.new_label!r} is for the decision relabel; write that, or empty it"
    if before and each.decision and each != before:
        return f"{each.picture} has another decision in {before.at}; delete one of them"
    return None
