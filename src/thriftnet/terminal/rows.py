"""Prints predictions row by row: on a terminal, as JSON, or as CSV."""

from __future__ import annotations

import io
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from thriftnet.cells import csv_row
from thriftnet.data.inspection import listed
from thriftnet.errors import RunError
from thriftnet.files import part_of, replacing
from thriftnet.inference.prediction import PictureResult
from thriftnet.inference.row_formats import CsvRows
from thriftnet.inference.views import NAMES
from thriftnet.plain import plain, to_stderr
from thriftnet.terminal.text import print_whole

_WIDEST = 44
"""Maximum width of a file name."""
_MOST_CLASSES = 12


def print_predictions(results: Iterable[PictureResult], *, widest: int) -> None:
    """Print one line per picture: its three most probable classes.

    Args:
        results: Those without a prediction are skipped.
        widest: Length of the longest name.
    """
    width = min(_WIDEST, widest)
    for result in results:
        if result.prediction:
            best = list(result.prediction.probabilities.items())[:3]
            text = "  ".join(f"{plain(name)} {share:.3f}" for name, share in best)
            doubt = "" if result.prediction.sure else "not sure: "
            doubt = "outlier: " if result.prediction.outlier else doubt
            print_whole(f"{plain(result.name):{width}}  {doubt}{text}")


def print_network(title: str, *, tta: str, classes: Sequence[str]) -> None:
    """Print the network that classified the pictures, and its classes: it always predicts one."""
    print()
    print_whole(f"{plain(title)}, {NAMES[tta]}")
    print_whole(f"classes: {listed([plain(name) for name in classes], shown=_MOST_CLASSES)}")


def print_json_rows(values: Iterable[Any]) -> None:
    """Print an array of JSON values, closed even if interrupted."""
    begun = False
    try:
        for value in values:
            row = textwrap.indent(json.dumps(value, indent=2), "  ")
            print(f",\n{row}" if begun else f"[\n{row}", end="", flush=True)
            begun = True
    finally:
        print("\n]" if begun else "[]")


def print_csv(results: Iterable[PictureResult], *, outliers: bool = False) -> None:
    """Print the rows of a CSV file; a script gets the bytes that the file would have.

    Args:
        results: Those without a prediction are skipped.
        outliers: Whether they say which pictures are outliers.
    """
    rows, shown = CsvRows(outliers=outliers), sys.stdout.isatty()

    def write(content: bytes) -> None:
        if shown:
            sys.stdout.write(content.decode("utf-8", "surrogateescape"))
        else:
            sys.stdout.buffer.write(content)
        sys.stdout.flush()

    write(rows.header)
    for result in results:
        write(rows.write(result))


def write_rows(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path | None) -> None:
    """Write a CSV file, or to standard output without a path.

    Written as PATH.part until complete, which is kept on interruption.

    Raises:
        RunError: The file cannot be written.
    """
    if path is None:
        _write(header, rows, sys.stdout)
        return
    done = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal done
        for row in rows:
            yield row
            done += 1

    try:
        with replacing(path, error=RunError, keep=True) as file:
            # File names may hold any bytes, and scripts look for exactly those.
            text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
            _write(header, counted(), text)
            text.detach()
    except KeyboardInterrupt:
        to_stderr(
            f"thriftnet: interrupted; the first {done} rows are kept in {part_of(path.resolve())}"
        )
        raise
    print_whole(f"wrote {plain(str(path))}")


def _write(header: Sequence[str], rows: Iterable[Sequence[Any]], file: IO[str]) -> None:
    file.write(csv_row(header))
    for row in rows:
        file.write(csv_row(row))
        file.flush()
