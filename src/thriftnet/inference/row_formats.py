"""Predictions as CSV or JSON lines, and reading the complete rows of an interrupted file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from thriftnet.cells import csv_row, safe_cell
from thriftnet.digests import load_json
from thriftnet.inference.prediction import PictureResult

_COLUMNS = ("file", "label", "probability")
_PATH_ERRORS = "surrogateescape"
"""File names may hold any bytes, and scripts look for exactly those."""


class Row(NamedTuple):
    """A complete row of a file."""

    file: str
    """The picture, as `RowFormat.key` returns it."""
    failed: bool
    """Whether it holds an error instead of a prediction."""
    end: int
    """Offset of the end of the row in bytes."""


class DamagedRowError(ValueError):
    """A row that is not the last one is damaged."""


def is_row(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a row as `JsonRows` writes it."""
    if not isinstance(value.get("file"), str):
        return False
    if "error" in value:
        return isinstance(value["error"], str)
    label, shares = value.get("label"), value.get("probabilities")
    known = isinstance(shares, dict) and all(isinstance(each, float) for each in shares.values())
    return known and (label is None or isinstance(label, str))  # none below the threshold


class RowFormat(Protocol):
    """Writes results as rows and reads them back."""

    header: bytes

    def write(self, result: PictureResult) -> bytes:
        """The row of a result; empty if the format has no row for it."""
        ...

    def key(self, path: Path) -> str:
        """The name of a picture in the rows."""
        ...

    def read(self, file: IO[bytes]) -> Iterator[Row]:
        """Complete rows; a truncated last row is ignored.

        Raises:
            DamagedRowError: A row before the last is damaged.
        """
        ...


class CsvRows:
    """Columns file, label, probability; and outlier, true or false, if that was tested.

    A picture that could not be read has no row. A prediction below the threshold has no label, and
    an outlier has none.
    """

    def __init__(self, *, outliers: bool = False) -> None:
        self.columns = (*_COLUMNS, "outlier") if outliers else _COLUMNS
        self.header = csv_row(self.columns).encode()

    def write(self, result: PictureResult) -> bytes:
        """A line; empty if the picture could not be read."""
        found = result.prediction
        if found is None:
            return b""
        cells = (result.path or result.name, found.named or "", found.probability)
        tested = () if found.outlier is None else (str(found.outlier).lower(),)
        line = csv_row((*cells, *tested))
        return line.encode("utf-8", _PATH_ERRORS)

    def key(self, path: Path) -> str:
        """The path as a safe cell."""
        return str(safe_cell(path))

    def read(self, file: IO[bytes]) -> Iterator[Row]:
        """Rows after the header."""
        end, last = 0, b""

        def lines() -> Iterator[str]:
            nonlocal end, last
            for last in file:
                end += len(last)
                yield last.decode("utf-8", _PATH_ERRORS)

        try:
            for number, cells in enumerate(csv.reader(lines(), strict=True)):
                if not last.endswith(b"\n"):
                    return
                if len(cells) != len(self.columns) or (
                    number == 0 and tuple(cells) != self.columns
                ):
                    raise DamagedRowError(f"row {number} is not a prediction")
                if number:
                    yield Row(cells[0], failed=False, end=end)
        except csv.Error as fault:
            if file.read(1):
                raise DamagedRowError(str(fault)) from None


class JsonRows:
    """One JSON object per picture, with the probability of every class or the error."""

    header = b""

    def write(self, result: PictureResult) -> bytes:
        """A line."""
        return f"{json.dumps(result.to_json())}\n".encode()

    def key(self, path: Path) -> str:
        """Its path."""
        return str(path)

    def read(self, file: IO[bytes]) -> Iterator[Row]:
        """All rows."""
        end = 0
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            end += len(line)
            try:
                value = load_json(line)
            except ValueError as fault:
                raise DamagedRowError(f"line {number} is not a row: {fault}") from None
            if not is_row(value):
                raise DamagedRowError(f"line {number} is not a prediction")
            yield Row(value["file"], failed="error" in value, end=end)
