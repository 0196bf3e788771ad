"""Tables that name picture files and their classes: CSV, TSV and JSON lines."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from pathlib import Path

from thriftnet.data.index import Entry, Index, Omission, Origin, as_label, find_split, split_in_name
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.columns import Columns, choose_columns
from thriftnet.data.sources.rows import TABLE_SUFFIXES, Row, Table, read_table
from thriftnet.errors import DataError

KIND = "a table of picture files"
_ROWS_LOOKED_AT = 20


def recognises(path: Path) -> bool:
    """Whether a path is a table, or a folder with one that lists pictures in it."""
    if path.is_file():
        return path.suffix.lower() in TABLE_SUFFIXES
    return path.is_dir() and bool(_find_tables(path))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures that the tables name; paths are relative to the table's own folder.

    A folder may have several tables, such as `train.csv` and `test.csv`, or `train/metadata.csv`:
    what says the split in their path holds for their rows, unless a column says it.

    Raises:
        DataError: A table cannot be read, or its columns cannot be told.
    """
    root = path if path.is_dir() else path.parent
    index = Index(KIND, root, [])
    taken: dict[str, _Taken] = {}
    for file in [path] if path.is_file() else _find_tables(path):
        _add_rows(index, read_table(file), options, taken)
    contested = {one.at for one in taken.values() if one.contested}
    index.entries = [e for at, e in enumerate(index.entries) if at not in contested]
    return index


class _Taken:
    """Where a file was named first."""

    def __init__(self, line: str, at: int) -> None:
        self.line, self.at, self.contested = line, at, False


def _find_tables(folder: Path) -> list[Path]:
    """`metadata.csv` and the like at the top or in a split's folder; else any that names pictures.

    A folder of class folders may hold a table of something else.
    """
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir() and find_split(p.name))]
    tables = [
        file
        for place in places
        for file in sorted(place.iterdir())
        if file.suffix.lower() in TABLE_SUFFIXES and file.is_file() and file.name[0] != "."
    ]
    metadata = [file for file in tables if file.stem == "metadata"]
    return metadata or [file for file in tables if _names_pictures(file)]


def _names_pictures(file: Path) -> bool:
    try:
        table = read_table(file)
    except DataError:
        return False
    return any(_holds_files(table, column) for column in range(len(table.columns)))


def _holds_files(table: Table, column: int) -> bool:
    """Whether one of the first rows names a file that is there."""
    folder = table.path.parent
    for row in table.rows[:_ROWS_LOOKED_AT]:
        name = row.cells[column].strip()
        try:
            if name and (folder / name.replace("\\", "/")).is_file():
                return True
        except (OSError, ValueError):  # too long for a name
            continue
    return False


def _add_rows(index: Index, table: Table, options: SourceOptions, taken: dict[str, _Taken]) -> None:
    columns = choose_columns(
        table.columns,
        options,
        where=str(table.path),
        names_pictures=lambda column: _holds_files(table, column),
    )
    own = table.path.relative_to(index.root).as_posix()
    index.omissions += [
        fault._replace(where=f"{own}{fault.where[len(table.path.name) :]}")
        for fault in table.faults
    ]
    for row in table.rows:
        where = f"{own}, line {row.line}"
        found = _entry(index, row, columns, own=own)
        if isinstance(found, str):
            index.omissions.append(Omission(where, found))
        elif said := _repeated(index, found, taken, where):
            index.omissions.append(Omission(where, said))
        else:
            taken[found.origin.path] = _Taken(where, len(index.entries))
            index.entries.append(found)


def _repeated(index: Index, found: Entry, taken: dict[str, _Taken], where: str) -> str | None:
    """What is wrong with a row whose file was named before; none: it was not."""
    before = taken.get(found.origin.path)
    if before is None:
        return None
    first = index.entries[before.at]
    if first == found:
        return f"{found.origin.path} again, as in {before.line}"
    key = next(
        key for key in ("label", "split", "group") if getattr(first, key) != getattr(found, key)
    )
    values = getattr(first, key), getattr(found, key)
    if not before.contested:
        before.contested = True
        reason = f"{found.origin.path} has {key} {values[0]} here and {values[1]} in {where}"
        index.omissions.append(Omission(before.line, reason))
    return f"{found.origin.path} has {key} {values[1]} here and {values[0]} in {before.line}"


def _entry(index: Index, row: Row, columns: Columns, *, own: str) -> Entry | str:
    """A row as an entry, or why it cannot be one."""
    label, name = as_label(row.cells[columns.label]), row.cells[columns.image].strip()
    split = split_in_name(own)
    if columns.split is not None:
        split = find_split(row.cells[columns.split])
        if split is None:
            said = row.cells[columns.split].strip() or "nothing"
            return f"the split is {said}; write train, val or test"
    if not name:
        return "no file name"
    if not label:
        return "no label"
    path = _locate(index, name, folder=posixpath.dirname(own))
    if path.startswith(".."):
        return f"{name} lies outside {index.root}"
    if index.stamp(path) == (0, 0):
        return f"{name} is not there"
    group = None if columns.group is None else row.cells[columns.group].strip() or None
    return Entry(Origin(path), label, split, group)


def _locate(index: Index, name: str, *, folder: str) -> str:
    """The path below the root of a file that a table names."""
    forms = (name, name.replace("\\", "/"))
    composed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    for spelling in dict.fromkeys((*forms, *composed)):
        if os.path.isabs(spelling):  # noqa: PTH117
            path = os.path.relpath(spelling, index.root)
        else:
            path = posixpath.normpath(posixpath.join(folder, spelling))
        if path.startswith("..") or index.stamp(path) != (0, 0):
            return path
        del index.stamps[path]
    return posixpath.normpath(posixpath.join(folder, name))
