"""Reads Parquet files that hold the paths of pictures in place of pictures, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from thriftnet.data.sources.parquet_cells import nested_kind, read_cells
from thriftnet.data.sources.rows import Row, TextTable, as_text

ClassNames = Callable[[str], Sequence[str] | None]
"""The class names of a column of integers; None if it has none."""


def is_without_bytes(metadata: Any, column: str) -> bool:
    """Whether a struct of `bytes` and `path` has the paths alone, as of pictures not embedded."""
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    found = {chunk.path_in_schema for chunk in chunks}
    known = [chunk for chunk in chunks if chunk.path_in_schema == f"{column}.bytes"]
    return f"{column}.path" in found and all(
        chunk.statistics is not None and chunk.statistics.null_count == chunk.num_values
        for chunk in known
    )


def path_columns(schema: Any) -> list[str]:
    """The columns of texts and numbers, and the path of each struct that has one."""
    names: list[str] = []
    for name in schema.names:
        kind = schema.field(name).type
        nested = nested_kind(kind)
        if nested is None and not _is_bytes(kind):
            names.append(name)
        elif nested == "tables" and kind.get_field_index("path") >= 0:
            names.append(f"{name}.path")
    return names


def _is_bytes(kind: Any) -> bool:
    """Whether a type is of bytes, such as encoded pictures."""
    from pyarrow import types

    own = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_binary(own) or types.is_large_binary(own))


def read_paths(file: Path, opened: Any, *, class_names: ClassNames) -> TextTable:
    """Read the columns of a file that `path_columns` names.

    Args:
        file: The file.
        opened: It as a `ParquetFile`.
        class_names: Of a column.

    Raises:
        ValueError: A value is long, or a column unpacks to implausibly much.
    """
    names = path_columns(opened.schema_arrow)
    known = [class_names(name) for name in names]
    rows: list[Row] = []
    for number, values in enumerate(read_cells(opened, names) if names else ()):
        cells = [_cell(value, each) for value, each in zip(values, known, strict=True)]
        rows.append(Row(number, cells, counted="row"))
    return TextTable(file, names, rows, [])


def _cell(value: object, names: Sequence[str] | None) -> str:
    if names is not None and isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return as_text(value)
