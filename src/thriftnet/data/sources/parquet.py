"""Reads Parquet files as written by Hugging Face `datasets`, with pyarrow.

A column of pictures is a struct of `bytes` and `path`, or plain bytes; class names are in the
schema's metadata. Files without one are tables of paths.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from thriftnet.data.index import (
    Entry,
    Index,
    Omission,
    Origin,
    Raw,
    find_split,
    split_in_name,
)
from thriftnet.data.options import SourceOptions
from thriftnet.data.pictures import is_system_folder
from thriftnet.data.sources.arrays import at_rows, check_bounds, rows_by_file
from thriftnet.data.sources.columns import Columns, choose_columns, has_no_labels
from thriftnet.data.sources.labels import class_names
from thriftnet.data.sources.locate import Locator, names_files
from thriftnet.data.sources.numbers import check_numbers, unify_numbers
from thriftnet.data.sources.parquet_cells import is_text, nested_kind, read_cells, refuse_bomb
from thriftnet.data.sources.parquet_paths import is_without_bytes, read_paths
from thriftnet.data.sources.rows import TextTable
from thriftnet.data.sources.tables import index_tables
from thriftnet.errors import DataError
from thriftnet.extras import load

KIND = "Parquet"
_ROWS_AT_ONCE = 64
_BYTES_AT_ONCE = 2**28
"""Of pictures; a column may keep one value once for many rows."""


def recognises(path: Path) -> bool:
    """Whether a path is a Parquet file, or a folder with some, recursively."""
    return path.suffix.lower() == ".parquet" if path.is_file() else bool(_files(path))


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the rows of one Parquet file, or of those in a folder, as `data/train-00000.parquet`.

    Raises:
        DataError: pyarrow is not installed, a file is damaged, or it has no pictures and labels.
    """
    root = path.parent if path.is_file() else path
    index = Index(KIND, root, [])
    chosen: dict[str, str] = {}
    files = [path] if path.is_file() else _files(path)
    if not any(_picture_columns(*_opened(file)) for file in files):
        return index_tables(path, files, options, read=_read_paths)
    label = _label_name(files, root, options)
    for file in files:
        own = file.relative_to(root).as_posix()
        opened, schema = _opened(file)
        if split_in_name(own) == "test" and has_no_labels(list(schema.names), label):
            index.omissions.append(Omission(own, f"no column {label}, so no labels"))
            continue
        names, columns = _columns(file, opened, schema, options)
        chosen[own] = names[columns.image]
        _add_rows(index, file, schema, columns)

    def read(entries: Sequence[Entry]) -> Iterator[Raw]:
        for own, rows in rows_by_file(entries).items():
            yield from at_rows(_pictures(root / own, chosen[own]), rows)

    index.read = read
    index.entries = unify_numbers(index)
    check_numbers(index, options)
    return index


def _files(folder: Path) -> list[Path]:
    """Sorted; links to folders are not followed, and hidden files and folders are skipped."""
    found: list[Path] = []
    pending = [str(folder)]
    while pending:  # by name only: there may be 100,000 pictures
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as listing:
            for entry in listing:
                if is_system_folder(entry.name):
                    continue
                if entry.name.endswith(".parquet") and entry.is_file():
                    found.append(Path(entry.path))
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return sorted(found)


def _label_name(files: Sequence[Path], root: Path, options: SourceOptions) -> str | None:
    """The name of the label column, by the first file that is not for testing."""
    learned = (f for f in files if split_in_name(f.relative_to(root).as_posix()) != "test")
    first = next(learned, None)
    if len(files) < 2 or first is None:
        return None
    names, columns = _columns(first, *_opened(first), options)
    return names[columns.label]


def _opened(file: Path, *, once: Sequence[str] = ()) -> tuple[Any, Any]:
    """An open file, with columns whose repeated texts are kept once, and its schema."""
    parquet = load(f"{file} needs", "pyarrow.parquet", extra="data", error=DataError)
    try:
        opened = parquet.ParquetFile(file, read_dictionary=once, page_checksum_verification=True)
        check_bounds(opened.metadata.num_rows, 0, str(file), file=file)
        return opened, opened.schema_arrow
    except DataError:
        raise
    except Exception as fault:  # pyarrow raises many classes, and MemoryError
        raise _damaged(file, fault) from None


def _damaged(file: Path, fault: Exception) -> DataError:
    reason = " ".join(str(fault).split())[:100]
    return DataError(f"{file} cannot be read as Parquet ({reason}); get a fresh copy")


def _add_rows(index: Index, file: Path, schema: Any, columns: Columns) -> None:
    own, names = file.relative_to(index.root).as_posix(), list(schema.names)
    classes = _class_names(schema, names[columns.label], str(file))
    split = split_in_name(own)
    used = [at for at in (columns.label, columns.split, columns.group) if at is not None]
    for row, found_cells in enumerate(_cells(file, schema, [names[at] for at in used])):
        values = dict(zip(used, found_cells, strict=True))
        found = _entry(index, Origin(own, row), values, columns, classes, split)
        if isinstance(found, str):
            index.omissions.append(Omission(f"{own}, row {row}", found))
        else:
            index.entries.append(found)


def _columns(
    file: Path, opened: Any, schema: Any, options: SourceOptions
) -> tuple[list[str], Columns]:
    """The names of a file's columns, and which are used."""
    names = list(schema.names)
    pictures = _picture_columns(opened, schema)
    if not pictures:
        raise _no_pictures(file, schema)
    columns = choose_columns(
        names, options, where=str(file), names_pictures=lambda at: at in pictures
    )
    if columns.image not in pictures:
        raise DataError(f"{file}: the column {names[columns.image]} holds no pictures")
    return names, columns


def _picture_columns(opened: Any, schema: Any) -> list[int]:
    """Positions of the columns that hold pictures."""
    return [
        at
        for at, name in enumerate(schema.names)
        if _holds_pictures(schema.field(name).type) and not is_without_bytes(opened.metadata, name)
    ]


def _read_paths(file: Path, locator: Locator) -> TextTable:
    """Read a file that holds no pictures as a table of their paths.

    Raises:
        DataError: It is damaged, or no column names files.
    """
    schema = _opened(file)[1]
    texts = [name for name in schema.names if is_text(schema.field(name).type)]

    def names_of(column: str) -> list[str] | None:
        return _class_names(schema, column, str(file))

    try:
        table = read_paths(file, _opened(file, once=texts)[0], class_names=names_of)
    except DataError:
        raise
    except Exception as fault:
        raise _damaged(file, fault) from None
    if not names_files(table, locator):
        raise _no_pictures(file, schema)
    return table


def _no_pictures(file: Path, schema: Any) -> DataError:
    columns = ", ".join(f"{name} ({schema.field(name).type})" for name in schema.names)
    return DataError(
        f"{file} has no column of pictures (bytes, or a struct of bytes and path), or of paths of "
        f"files that are there, but {columns}"[:400]
    )


def _cells(file: Path, schema: Any, names: list[str]) -> Iterator[tuple[object, ...]]:
    """The values of some columns, row by row."""
    for name in names:
        if (kind := nested_kind(schema.field(name).type)) is not None:
            raise DataError(f"{file}, {name}: this column has no names or numbers but {kind}")
    texts = [name for name in names if is_text(schema.field(name).type)]
    try:
        yield from read_cells(_opened(file, once=texts)[0], names)
    except DataError:
        raise
    except Exception as fault:
        raise _damaged(file, fault) from None


def _holds_pictures(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(kind.field(at).name == "bytes" for at in range(kind.num_fields))
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _class_names(schema: Any, column: str, where: str) -> list[str] | None:
    """Class names of a column of integers, from the metadata of `datasets`; None without them."""
    try:
        said = json.loads((schema.metadata or {})[b"huggingface"])
        names = said["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return class_names(list(map(str, names)), where) if isinstance(names, list) else None


def _entry(
    index: Index,
    origin: Origin,
    values: dict[int, object],
    columns: Columns,
    classes: list[str] | None,
    split: str | None,
) -> Entry | str:
    """A row as an entry, or why it is unusable."""
    value = values[columns.label]
    if value is None:
        return "no label"
    if classes is not None and isinstance(value, int):
        if not 0 <= value < len(classes):
            return f"label {value}, and {len(classes)} classes"
        label = classes[value]
    else:
        if not isinstance(value, str | int | float):
            return f"the label is neither a name nor a number, but {type(value).__name__}"
        unknown = isinstance(value, float) and math.isnan(value)
        label = "" if unknown else index.label(str(value))
    if not label:
        return "no label"
    if columns.split is not None:
        split = find_split(str(values[columns.split]))
        if split is None:
            return f"the split is {values[columns.split]}; write train, val or test"
    group = None if columns.group is None else values[columns.group]
    return Entry(origin, label, split, None if group is None else str(group))


def _pictures(file: Path, column: str) -> Iterator[bytes]:
    """All encoded pictures in order; missing ones are empty."""
    try:
        opened = _opened(file)[0]
        largest = refuse_bomb(opened.metadata, [column])
        rows = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(largest, 1)))
        for batch in opened.iter_batches(batch_size=rows, columns=[column]):
            yield from map(_content, batch.column(0).to_pylist())
    except DataError:
        raise
    except Exception as fault:
        raise _damaged(file, fault) from None


def _content(value: object) -> bytes:
    if isinstance(value, dict):
        value = cast("dict[str, object]", value).get("bytes")
    return value if isinstance(value, bytes) else b""
