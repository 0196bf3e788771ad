"""What is predicted, row by row as it comes: on a terminal, as JSON, or into a CSV file."""

from __future__ import annotations

import csv
import io
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from thriftnet.errors import RunError
from thriftnet.files import replacing
from thriftnet.inference.inputs import PictureResult
from thriftnet.plain import plain, to_stderr

_WIDEST = 44
"""Columns of a file's name."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet may run."""


def print_predictions(results: Iterable[PictureResult], *, paths: Sequence[Path]) -> None:
    """One line a picture: its three most probable classes."""
    width = min(_WIDEST, max((len(str(path)) for path in paths), default=0))
    for result in results:
        if result.prediction:
            best = list(result.prediction.probabilities.items())[:3]
            text = "  ".join(f"{plain(name)} {share:.3f}" for name, share in best)
            print(f"{plain(str(result.path)):{width}}  {text}", flush=True)


def print_json_rows(values: Iterable[Any]) -> None:
    """An array of JSON values, closed also where it is cut short."""
    begun = False
    try:
        for value in values:
            row = textwrap.indent(json.dumps(value, indent=2), "  ")
            print(f",\n{row}" if begun else f"[\n{row}", end="", flush=True)
            begun = True
    finally:
        print("\n]" if begun else "[]")


def write_rows(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path | None) -> None:
    """A CSV file; without a path, standard output.

    The file is PATH.part until it is whole. Where it is cut short, that is what stays.

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
            # A file's name need not be text; its bytes are what a script would look for.
            text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
            _write(header, counted(), text)
            text.detach()
    except KeyboardInterrupt:
        to_stderr(f"thriftnet: interrupted; the first {done} rows are kept in {path}.part")
        raise
    print(f"wrote {plain(str(path))}")


def _write(header: Sequence[str], rows: Iterable[Sequence[Any]], file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        cells = [_cell(value) for value in row]
        # The module leaves a carriage return without quotes, and readers end the row there.
        (quoted if any("\r" in str(cell) for cell in cells) else writer).writerow(cells)
        file.flush()


def _cell(value: Any) -> Any:
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
