"""Reads tables of picture files and classes: CSV, TSV and JSON lines."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from thriftnet.data.index import (
    Entry,
    Index,
    Omission,
    Origin,
    find_split,
    is_text,
    split_in_name,
)
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.columns import (
    Columns,
    choose_columns,
    has_no_labels,
    is_usual,
    names_labels,
)
from thriftnet.data.sources.files import scan_folder
from thriftnet.data.sources.locate import (
    Locator,
    NotFoundError,
    files_of,
    holds_files,
    own_path,
    possible_files,
)
from thriftnet.data.sources.numbers import check_numbers, unify_numbers
from thriftnet.data.sources.one_hot import with_label_column
from thriftnet.data.sources.rows import TABLE_SUFFIXES, Row, TextTable, read_table
from thriftnet.errors import DataError

KIND = "a table of picture files"
_SUBMISSION = re.compile(r"(sample)?[ _-]?submission", re.IGNORECASE)
"""Names of tables with placeholder labels, as in competitions."""


def recognises(path: Path) -> bool:
    """Whether a path is a table, or a folder with a table of its pictures."""
    if path.is_file():
        return path.suffix.lower() in TABLE_SUFFIXES
    return path.is_dir() and bool(_find_tables(path))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures that tables name, by path or by name.

    A folder may have several tables, such as `train.csv` and `test.csv`, or `train/metadata.csv`.
    The split is that of a column, else of the table's path, else of a folder `train`, `val` or
    `test` in the picture's path.

    Raises:
        DataError: A table cannot be read, or its columns cannot be identified.
    """
    files = _find_tables(path) if path.is_dir() else [path]
    return index_tables(path, files, options, read=_read)


def index_tables(
    path: Path,
    files: Sequence[Path],
    options: SourceOptions,
    *,
    read: Callable[[Path, Locator], TextTable],
) -> Index:
    """List the pictures that some tables name, as `read_index` says.

    Args:
        path: A table, or a folder with tables and pictures, of which none may be in no table.
        files: The tables.
        options: The user's options.
        read: Reads a table; raises DataError if that is impossible.

    Raises:
        DataError: A table cannot be read, or its columns cannot be identified.
    """
    root = path if path.is_dir() else path.parent
    found = scan_folder(path) if path.is_dir() else None
    index = Index(KIND, root, [], stamps=dict(found.stamps) if found else {})
    locator, taken, unused = Locator(index, found), dict[str, _Taken](), set[str]()
    tables = [_labelled(read(file, locator), options, locator) for file in files]
    label = _label_name(tables, options, locator)
    for table in tables:
        own = own_path(table.path, index)
        if table.named and split_in_name(own) == "test" and has_no_labels(table.columns, label):
            index.omissions.append(Omission(own, f"no column {label}, so no labels"))
            unused |= files_of(table, locator)
        else:
            _add_rows(index, table, options, locator, taken, unused)
    contested = {one.at for one in taken.values() if one.contested}
    index.entries = [e for at, e in enumerate(index.entries) if at not in contested]
    index.entries = unify_numbers(index)
    check_numbers(index, options)
    pictures = found.pictures if found else []
    named = taken.keys() | unused
    index.omissions += [Omission(each, "in no table") for each in pictures if each not in named]
    return index


class _Taken:
    """Where a file was listed first."""

    def __init__(self, line: str, at: int) -> None:
        self.line, self.at, self.contested = line, at, False


def all_tables(folder: Path) -> list[Path]:
    """Every table of a folder and of the splits in it, also those that list no picture."""
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir() and find_split(p.name))]
    return [
        file
        for place in places
        for file in sorted(place.iterdir())
        if file.suffix.lower() in TABLE_SUFFIXES and file.is_file() and file.name[0] != "."
    ]


def _find_tables(folder: Path) -> list[Path]:
    """`metadata.csv` and similar of the folder or of a split, else any table that lists pictures.

    Class folders may contain an unrelated table.
    """
    tables = all_tables(folder)
    metadata = [file for file in tables if file.stem == "metadata"]
    locator = Locator(Index(KIND, folder, []))
    return metadata or [
        file
        for file in tables
        if not _SUBMISSION.fullmatch(file.stem) and _names_pictures(file, locator)
    ]


def _names_pictures(file: Path, locator: Locator) -> bool:
    try:
        table = _read(file, locator)
    except DataError:
        return False
    columns = range(len(table.columns))
    if any(holds_files(table, at, locator, by_name=False) for at in columns):
        return True
    # Bare names could be any numbers: they must be in one folder, and that not of a class.
    usual = [at for at in columns if not table.named or is_usual(table.columns[at])]
    for at in usual:
        if holds_files(table, at, locator, by_name=True):
            split = split_in_name(own_path(file, locator.index))
            named = (locator.named(row.cells[at].strip(), split=split) for row in table.rows)
            return len({posixpath.dirname(paths[0]) for paths in named if len(paths) == 1}) == 1
    return False


def _label_name(tables: list[TextTable], options: SourceOptions, locator: Locator) -> str | None:
    """The name of the label column, by the first table that is not for testing."""
    learned = [
        t for t in tables if t.named and split_in_name(own_path(t.path, locator.index)) != "test"
    ]
    if len(tables) < 2 or not learned:
        return None
    return learned[0].columns[_choose_columns(learned[0], options, locator).label]


def _choose_columns(table: TextTable, options: SourceOptions, locator: Locator) -> Columns:
    return choose_columns(
        table.columns,
        options,
        where=str(table.path),
        names_pictures=lambda column: holds_files(table, column, locator, by_name=True),
        named=table.named,
    )


def _read(file: Path, locator: Locator) -> TextTable:
    """Read a table whose first line may be a row with names without suffix."""
    folder = posixpath.dirname(own_path(file, locator.index))

    def is_row(cells: list[str]) -> bool:
        if any(map(is_usual, cells)):
            return False
        names = [name for cell in cells if (name := cell.strip())]
        return any(locator.is_file(name, folder=folder) or locator.named(name) for name in names)

    return read_table(file, is_row=is_row)


def _labelled(table: TextTable, options: SourceOptions, locator: Locator) -> TextTable:
    """A table with a label column, where it has a column for each class instead."""
    if not table.named or options.label_column or names_labels(table.columns):
        return table
    columns = range(len(table.columns))
    image = next((at for at in columns if holds_files(table, at, locator, by_name=True)), None)
    found = table if image is None else with_label_column(table, image)
    if found is not table:
        own = own_path(table.path, locator.index)
        locator.index.notes.append(f"{own}: each class is a column of 0 and 1")
    return found


def _add_rows(
    index: Index,
    table: TextTable,
    options: SourceOptions,
    locator: Locator,
    taken: dict[str, _Taken],
    unused: set[str],
) -> None:
    """Add the rows of a table to the index, and the files of those that cannot be used."""
    columns = _choose_columns(table, options, locator)
    own = own_path(table.path, index)
    if len(table.columns) > 2:
        image, label = table.columns[columns.image], table.columns[columns.label]
        index.notes.append(f"{own}: the column {image} has the file names, {label} the labels")
    index.omissions += [
        fault._replace(where=f"{own}{fault.where[len(table.path.name) :]}")
        for fault in table.faults
    ]
    for row in table.rows:
        where = f"{own}, {row}"
        found = _entry(row, columns, locator, own=own, where=where)
        if isinstance(found, Omission):
            index.omissions.append(found)
            unused.update(possible_files(row.cells[columns.image], table, locator))
        elif repeated := _repeated(index, found, taken, where):
            index.omissions.append(repeated)
        else:
            taken[found.origin.path] = _Taken(where, len(index.entries))
            index.entries.append(found)


def _repeated(index: Index, found: Entry, taken: dict[str, _Taken], where: str) -> Omission | None:
    """The problem of a row whose file was listed before; None if it was not."""
    before = taken.get(found.origin.path)
    if before is None:
        return None
    first = index.entries[before.at]
    if first == found:
        return Omission(where, "is listed again", f"{found.origin.path} (of {before.line})")
    key = next(
        key for key in ("label", "split", "group") if getattr(first, key) != getattr(found, key)
    )
    here, there = getattr(found, key), getattr(first, key)
    reason, path = f"has two {key}s", found.origin.path
    if not before.contested:
        before.contested = True
        about = f"{path} ({there} here, {here} in {where})"
        index.omissions.append(Omission(before.line, reason, about))
    return Omission(where, reason, f"{path} ({here} here, {there} in {before.line})")


def _entry(
    row: Row, columns: Columns, locator: Locator, *, own: str, where: str
) -> Entry | Omission:
    """A row as an entry, or why it is unusable."""
    label = locator.index.label(row.cells[columns.label])
    name = row.cells[columns.image].strip()
    split = split_in_name(own)
    if columns.split is not None:
        split = find_split(row.cells[columns.split])
        if split is None:
            value = row.cells[columns.split].strip() or "nothing"
            return Omission(where, f"the split is {value}; write train, val or test")
    if not name:
        return Omission(where, "no file name")
    if not label:
        return Omission(where, "no label")
    if not is_text(label):
        return Omission(where, "the label cannot be encoded as UTF-8")
    try:
        path = locator.find(name, folder=posixpath.dirname(own), split=split)
    except NotFoundError as fault:
        return Omission(where, fault.reason, fault.name)
    if split is None:
        split = next(filter(None, map(find_split, path.split("/")[:-1])), None)
    group = None if columns.group is None else row.cells[columns.group].strip() or None
    return Entry(Origin(path), label, split, group)
