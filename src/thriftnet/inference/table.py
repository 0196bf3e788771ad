"""Writes predictions as a CSV, JSON-lines or Parquet file, resumable after an interruption."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from thriftnet.cells import csv_row
from thriftnet.digests import dump_json, load_json
from thriftnet.errors import RunError
from thriftnet.files import open_regular, part_of, read_bounded, replacing, write_whole
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.inputs import PictureSet, predict_pictures
from thriftnet.inference.parquet import check_parquet, is_parquet, write_parquet
from thriftnet.inference.prediction import PictureResult
from thriftnet.inference.row_formats import (
    CsvRows,
    DamagedRowError,
    JsonRows,
    RowFormat,
    is_row,
)
from thriftnet.inference.table_format import table_format

_CSV_HEADERS = (
    CsvRows().header,
    CsvRows(outliers=True).header,
    csv_row(("ID", "Labels")).encode(),  # of a pickle
)
_MOST_STATE_BYTES = 2**24


def is_table(path: Path) -> bool:
    """Whether a file begins as one of predictions does, in the format of its suffix.

    Raises:
        OSError: It cannot be read.
        RunError: The suffix is that of a format that is not written.
    """
    kind = table_format(path)
    if kind == "parquet":
        return is_parquet(path)
    with open_regular(path) as file:
        first = file.readline(_MOST_STATE_BYTES)
    if kind == "csv":
        return first in _CSV_HEADERS
    try:
        return is_row(load_json(first))
    except ValueError:
        return False


@dataclass
class TableProgress:
    """Progress of writing a table."""

    done: int = 0
    """Pictures classified or failed."""
    failed: int = 0
    rows: int = 0
    end: int = 0
    """Size of the rows in bytes."""


class PredictionTable:
    """The predictions for a set of pictures in one file; the suffix selects the format.

    Rows go to PATH.part at once; PATH appears when all are written. Parquet cannot be written row
    by row, so its rows are collected as JSON lines first.

    Args:
        path: The file; `table_format` says in which format.
        classifier: The network.
        pictures: The pictures to classify.

    Raises:
        RunError: The suffix is that of a format that is not written.
        DataError: Parquet was requested and pyarrow is missing.
    """

    def __init__(self, path: Path, classifier: Classifier, pictures: PictureSet) -> None:
        self.path = path
        self.classifier = classifier
        self.pictures = pictures
        kind = table_format(path)
        self.parquet = kind == "parquet"
        if self.parquet:
            check_parquet(path)
        self.collected = path.with_name(f"{path.name}.jsonl") if self.parquet else path
        """File that collects the rows."""
        self.part = part_of(self.collected.resolve())
        self._state = self.part.with_name(f"{self.part.name}.json")
        csv = CsvRows(outliers=classifier.outlier_test is not None)
        self.format: RowFormat = csv if kind == "csv" else JsonRows()

    def resume(self, missed: Callable[[str], None]) -> TableProgress:
        """Progress recorded in PATH.part; zero if there is no such file.

        Args:
            missed: Called with each picture before the last row that was not classified.

        Raises:
            RunError: It belongs to another network or other pictures, or is damaged.
        """
        if not self.part.exists() and self._are_rows_collected():
            self.collected.replace(self.part)  # killed while the rows were converted
        if not self.part.exists():
            return TableProgress()
        self._check_origin()
        progress = TableProgress(end=len(self.format.header))
        paths = iter(self.pictures)
        try:
            with open_regular(self.part) as file:
                if os.fstat(file.fileno()).st_size < len(self.format.header):
                    return TableProgress()  # killed before the first row
                for row in self.format.read(file):
                    self._find(row.file, paths, progress, missed)
                    progress.rows, progress.end = progress.rows + 1, row.end
                    if row.failed:
                        progress.failed += 1
                        missed(row.file)
        except (OSError, DamagedRowError) as fault:
            raise self._cannot(f"is damaged ({fault})") from None
        return progress

    def write(
        self, progress: TableProgress, each: Callable[[int, PictureResult], None]
    ) -> TableProgress:
        """Classify the remaining pictures and complete the file.

        Args:
            progress: As `resume` returns it, or `TableProgress()` to start from the beginning;
                updated with each row.
            each: Called with the number of pictures done and the result.

        Raises:
            RunError: The file cannot be written, or an output is not finite.
        """
        begin = progress.end or None
        if self.parquet and self.collected.exists() and not self._are_rows_collected():
            raise RunError(
                f"{self.collected} exists, and the rows of {self.path.name} are collected "
                "there; move it, or choose another -o"
            )
        with replacing(self.collected, error=RunError, keep=True, at=begin) as file:
            if begin is None:  # now that no other process writes these rows
                write_whole(self._state, dump_json(self._origin()).encode(), error=RunError)
                file.write(self.format.header)
            self._append(file, progress, each)
        if self.parquet:
            write_parquet(self.collected, self.path, self.classifier)
            self.collected.unlink()
        self._state.unlink(missing_ok=True)
        return progress

    def _are_rows_collected(self) -> bool:
        """Whether a kill has left all rows where they come together for Parquet."""
        return self.parquet and self.collected.exists() and self._state.exists()

    def _append(
        self, file: IO[bytes], progress: TableProgress, each: Callable[[int, PictureResult], None]
    ) -> None:
        file.flush()
        for result in predict_pictures(self.classifier, self.pictures, first=progress.done):
            row = self.format.write(result)
            file.write(row)
            file.flush()  # a kill loses at most this row
            progress.done += 1
            progress.rows += bool(row)
            progress.failed += result.error is not None
            each(progress.done, result)

    def _find(
        self,
        name: str,
        paths: Iterator[Path],
        progress: TableProgress,
        missed: Callable[[str], None],
    ) -> None:
        """Advance to the picture of a row; those skipped have failed."""
        for path in paths:
            progress.done += 1
            if self.format.key(path) == name:
                return
            progress.failed += 1
            missed(str(path))
        raise self._cannot(f"has a row of {name}, which is not among the pictures in that order")

    def _origin(self) -> dict[str, object]:
        """What the rows depend on."""
        test = self.classifier.outlier_test
        return {
            "rows of": self.path.name,
            "network": self.classifier.digest,
            "preprocessing": self.classifier.preprocessing.contract(),
            "precision": self.classifier.compute.precision,
            "outliers": test.threshold if test else None,
            "runtime": self.classifier.runtime,
            "pictures": self.pictures.digest,
        }

    def _check_origin(self) -> None:
        try:
            before = load_json(read_bounded(self._state, most=_MOST_STATE_BYTES))
        except (OSError, ValueError):
            raise self._cannot(
                f"has no complete record of its network ({self._state.name})"
            ) from None
        differing = [key for key, value in self._origin().items() if before.get(key) != value]
        if differing == ["pictures"]:
            raise self._cannot("is for other pictures, or they have changed since")
        if differing:
            raise self._cannot(f"differs in: {', '.join(differing)}")

    def _cannot(self, why: str) -> RunError:
        return RunError(f"{self.part} {why}; leave out --resume to start again")
