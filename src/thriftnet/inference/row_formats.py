"""Predictions as lines of a file, and how far a file that was cut short goes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from thriftnet.inference.cells import csv_row, safe_cell
from thriftnet.inference.prediction import PictureResult

_COLUMNS = ("file", "label", "probability")
_PATH_ERRORS = "surrogateescape"
"""A file's name need not be text; its bytes are what a script would look for."""


class Row(NamedTuple):
    """A whole row of a file."""

    file: str
    """Its picture, as `RowFormat.key` has it."""
    failed: bool
    """Whether it says why a picture was not classified."""
    end: int
    """Bytes of the file up to the end of the row."""


class DamagedRowError(ValueError):
    """A row is not what was written, and others follow."""


class RowFormat(Protocol):
    """How a result is written as a row."""

    header: bytes

    def write(self, result: PictureResult) -> bytes:
        """The row of a result; empty where the format has none."""
        ...

    def key(self, path: Path) -> str:
        """What rows call a picture."""
        ...

    def read(self, file: IO[bytes]) -> Iterator[Row]:
        """Whole rows; what was torn at the end is passed over.

        Raises:
            DamagedRowError: A row before the end is not what was written.
        """
        ...


class CsvRows:
    """Columns file, label, probability.

    A picture that was not classified has no row; one that the network is not sure of has no label.
    """

    header = csv_row(_COLUMNS).encode()

    def write(self, result: PictureResult) -> bytes:
        """A line; empty for a picture that was not classified."""
        found = result.prediction
        if found is None:
            return b""
        line = csv_row((result.path or result.name, found.named or "", found.probability))
        return line.encode("utf-8", _PATH_ERRORS)

    def key(self, path: Path) -> str:
        """The cell of its path."""
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
                if len(cells) != len(_COLUMNS) or (number == 0 and tuple(cells) != _COLUMNS):
                    raise DamagedRowError(f"row {number} is no prediction")
                if number:
                    yield Row(cells[0], failed=False, end=end)
        except csv.Error as fault:
            if file.read(1):
                raise DamagedRowError(str(fault)) from None


class JsonRows:
    """One JSON object a picture, with the probability of every class or the error."""

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
                value = json.loads(line)
                yield Row(value["file"], failed="error" in value, end=end)
            except (ValueError, TypeError, KeyError) as fault:
                raise DamagedRowError(f"line {number} is no row: {fault}") from None
