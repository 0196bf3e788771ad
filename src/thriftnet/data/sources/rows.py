"""Reads CSV and JSON lines as rows of text with line numbers."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, cast

from thriftnet.data.index import Omission
from thriftnet.data.picture_formats import picture_suffixes
from thriftnet.errors import DataError
from thriftnet.files import read_bounded

JSON_SUFFIXES = {".jsonl", ".ndjson"}
TABLE_SUFFIXES = {".csv", ".tsv", *JSON_SUFFIXES}
_MOST_BYTES = 2**30
_DELIMITERS = (",", ";", "\t", "|")
_LINES_LOOKED_AT = 50
_PER_PICTURE = "a file name and a label in each line"
"""What a table has to hold."""
_MOST_CELLS = 3 * 10**7
"""Of JSON lines, which may have other keys in every line."""
_SAID_DELIMITER = re.compile('"?sep=(.)"?', re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""
_LINE_BREAK = re.compile("\r\n|\r|\n")
"""Excludes Unicode line separators, which a name may contain."""


class Row(NamedTuple):
    """A row of a table."""

    line: int
    """Its line, counted from 1; the first of a row that spans several."""
    cells: list[str]
    last: int = 0
    """The last line of a row that spans several; 0: it has one."""
    counted: str = "line"
    """What `line` counts: `row`, from 0, in a file without lines."""

    def __str__(self) -> str:
        if self.last:
            return f"lines {self.line} to {self.last}"
        return f"{self.counted} {self.line}"


@dataclass
class TextTable:
    """Rows under column names."""

    path: Path
    columns: list[str]
    """`1`, `2` … in a table without a header."""
    rows: list[Row]
    faults: list[Omission]
    """Lines that are not valid rows."""
    named: bool = True
    """Whether the table has a header."""


def read_table(path: Path, *, is_row: Callable[[list[str]], bool] = lambda _: False) -> TextTable:
    """Read a whole table; 100,000 rows take some 10 MB.

    The delimiter (comma, semicolon, tab, bar or white space) is detected. The first line is a
    header unless it names a picture.

    Args:
        path: The table.
        is_row: Whether the first line names a picture, although without a picture's suffix.

    Raises:
        DataError: It cannot be read, is empty, is not text, or has a single column.
    """
    text = _text_of(path, _content_of(path), needs=_PER_PICTURE)
    if path.suffix.lower() in JSON_SUFFIXES:
        return _from_json_lines(path, text)
    found = _rows_of(path, text, needs=_PER_PICTURE)
    header = found[0]
    first = header.cells
    named = not any(map(_ends_as_a_picture, first)) and not is_row(first)
    if not named:
        columns = [str(number) for number in range(1, len(first) + 1)]
    else:
        columns = [cell.strip() for cell in found.pop(0).cells]
        repeated = [name for name, count in Counter(columns).items() if count > 1 and name]
        if repeated:
            raise DataError(f"{path} has two columns of the name {repeated[0]}; rename one")
    table = TextTable(path, columns, [], [], named)
    for row in found:
        if len(row.cells) > len(columns) and not any(row.cells[len(columns) :]):
            row = row._replace(cells=row.cells[: len(columns)])  # commas at the end of a line
        if len(row.cells) == len(columns):
            table.rows.append(row)
        else:
            reason = f"{_count(len(row.cells), 'cell')}, and {_count(len(columns), 'column')}"
            if row.last:
                reason += "; a quotation mark is not closed"
            table.faults.append(Omission(f"{path.name}, {row}", reason))
    if found and (not table.rows or len(columns) < 2):  # a title above, or names that are missing
        width = Counter(len(row.cells) for row in found).most_common(1)[0][0]
        raise DataError(
            f"{path}, {header}: {_count(len(columns), 'column name')}, and most rows have "
            f"{_count(width, 'cell')}; begin the table with a name for each column"
        )
    return table


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def read_rows(path: Path, content: bytes, *, needs: str) -> list[Row]:
    """Split a table with a header into rows; lines without text are left out.

    Args:
        path: The table, for messages.
        content: What it holds.
        needs: What it has to hold, for messages.

    Raises:
        DataError: It is empty, is not text, or has a single column.
    """
    return _rows_of(path, _text_of(path, content, needs=needs), needs=needs)


def _content_of(path: Path) -> bytes:
    try:
        return read_bounded(path, most=_MOST_BYTES)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}; check the path") from None


def _text_of(path: Path, content: bytes, *, needs: str) -> str:
    if content.startswith(b"PK\x03\x04"):  # a ZIP archive, as .xlsx and .ods are
        raise DataError(f"{path} is a spreadsheet or an archive; save the table as CSV in UTF-8")
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: not UTF-8; save the table as UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{path}, line {line}: a zero byte; save the table as text in UTF-8")
    if not text.strip():
        raise DataError(f"{path} is empty; give a table with {needs}")
    return text


def _rows_of(path: Path, text: str, *, needs: str) -> list[Row]:
    lines = _LINE_BREAK.split(text)
    if _SAID_DELIMITER.fullmatch(lines[0]):
        lines[0] = ""
    written = (line for line in lines if line.strip())
    try:
        delimiter = _find_delimiter(list(islice(written, _LINES_LOOKED_AT)))
    except csv.Error as fault:
        raise DataError(f"{path}: {fault}; fix that line") from None
    if delimiter is None:
        raise DataError(
            f"{path} has a single column; it needs {needs}, separated by a comma, semicolon, tab "
            "or space"
        )
    found = list(_split(path, lines, delimiter))
    if not found:
        raise DataError(f"{path} has no cell with text; give {needs}")
    return found


def _find_delimiter(lines: list[str]) -> str | None:
    """What splits most lines into as many cells, two or more; a space stands for white space.

    Raises:
        csv.Error: The lines cannot be split.
    """
    best, score = None, 0
    fault: csv.Error | None = None
    for delimiter in (*_DELIMITERS, " "):
        try:
            widths = Counter(len(cells) for cells in _cells(lines, delimiter))
        except csv.Error as refusal:  # a cell is too long, or the whole line would be one
            fault = refusal
            continue
        width, count = max(widths.items(), key=lambda item: item[1])
        if width > 1 and count > score:
            best, score = delimiter, count
    if fault and best in (None, " "):
        raise fault
    return best


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter == " ":
        return (line.split() for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _split(path: Path, lines: list[str], delimiter: str) -> Iterator[Row]:
    if delimiter == " ":
        yield from (Row(n, line.split()) for n, line in enumerate(lines, 1) if line.strip())
        return
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, skipinitialspace=True)
    before = 0
    try:
        for cells in reader:
            first, last, before = before + 1, reader.line_num, reader.line_num
            if any(cells):
                yield Row(first, cells, last if last > first else 0)
    except csv.Error as fault:
        why = f"{fault}; a quotation mark is not closed" if reader.line_num > before + 1 else fault
        raise DataError(f"{path}, line {before + 1}: {why}; fix that line") from None


def _ends_as_a_picture(cell: str) -> bool:
    return Path(cell.strip()).suffix.lower() in picture_suffixes()


def _from_json_lines(path: Path, text: str) -> TextTable:
    table = TextTable(path, [], [], [])
    objects: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(_LINE_BREAK.split(text), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as fault:
            reason = f"not JSON ({fault})"
        else:
            if isinstance(value, dict):
                objects.append((number, dict(_flat(cast("dict[str, object]", value)))))
                continue
            reason = "not a JSON object, such as {" + '"file_name": "1.jpg", "label": "cat"}'
        table.faults.append(Omission(f"{path.name}, line {number}", reason))
    table.columns = list(dict.fromkeys(key for _, value in objects for key in value))
    if len(table.columns) * len(objects) > _MOST_CELLS:
        raise DataError(
            f"{path} has {len(table.columns):,} different keys in {len(objects):,} lines; write "
            '{"file_name": ..., "label": ...} in each'
        )
    table.rows = [
        Row(number, [as_text(value.get(key)) for key in table.columns]) for number, value in objects
    ]
    if not objects:
        raise DataError(f"{path} holds no JSON object; write one in each line")
    return table


def _flat(value: dict[str, object], levels: int = 2) -> Iterator[tuple[str, object]]:
    """The values of an object and of those in it, as `image.path`."""
    for key, inner in value.items():
        if isinstance(inner, dict) and levels:
            nested = cast("dict[str, object]", inner)
            yield from ((f"{key}.{own}", each) for own, each in _flat(nested, levels - 1))
        else:
            yield key, inner


def as_text(value: object) -> str:
    """The text of a value of JSON or Parquet; empty if there is none."""
    if value is None or value != value or isinstance(value, (dict, list)):  # NaN of pandas
        return ""
    return str(value)
