"""Reads the labels of a Parquet file in bounded memory: a few bytes may stand for gigabytes.

A column keeps a repeated value once, and its pages are packed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

_ROWS_AT_ONCE = 1_000
_LONGEST = 2**14
"""Bytes of a value."""
_USUAL, _MOST_RATIO = 2**28, 64
"""Bytes, and bytes for each packed one, that a column of a row group may unpack to."""


def nested_kind(kind: Any) -> str | None:
    """`lists` or `tables` for a type of nested values; None for others."""
    from pyarrow import types

    if not types.is_nested(kind):
        return None
    return "tables" if types.is_struct(kind) else "lists"


def is_text(kind: Any) -> bool:
    """Whether a type is of texts or bytes, of which Parquet may keep each once."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_binary(kind))


def read_cells(opened: Any, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """The values of some columns, row by row.

    Args:
        opened: A `ParquetFile` that reads texts as dictionaries.
        names: The columns, none of them nested, but as `image.path`, of a struct.

    Raises:
        ValueError: A value is long, or a column unpacks to implausibly much.
    """
    refuse_bomb(opened.metadata, names)
    known: dict[str, str] = {}  # repeated texts are one
    for batch in opened.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(names)):
        columns = [_column(batch, name) for name in names]
        for column in columns:
            _refuse_long(column)
        for row in zip(*(column.to_pylist() for column in columns), strict=True):
            yield tuple(known.setdefault(v, v) if isinstance(v, str) else v for v in row)


def _column(batch: Any, name: str) -> Any:
    if name in batch.schema.names:
        return batch.column(name)
    struct, _, inner = name.rpartition(".")
    return batch.column(struct).field(inner)


def _refuse_long(column: Any) -> None:
    from pyarrow import types

    compute: Any = import_module("pyarrow.compute")  # made when it is imported
    values = column.dictionary if types.is_dictionary(column.type) else column
    if is_text(values.type) or types.is_large_string(values.type):
        longest = compute.max(compute.binary_length(values)).as_py() or 0
        if longest > _LONGEST:
            raise ValueError(f"a value has {longest:,} bytes")


def refuse_bomb(metadata: Any, names: Sequence[str]) -> int:
    """Check what columns unpack to.

    Args:
        metadata: Of a `ParquetFile`.
        names: The columns, with all fields of one that is a struct.

    Returns:
        The most bytes of a column of a row group.

    Raises:
        ValueError: They unpack to implausibly much.
    """
    most = 0
    for group in (metadata.row_group(at) for at in range(metadata.num_row_groups)):
        for chunk in (group.column(at) for at in range(group.num_columns)):
            path = chunk.path_in_schema
            if path in names or path.split(".")[0] in names:
                unpacked, packed = chunk.total_uncompressed_size, chunk.total_compressed_size
                if unpacked > _USUAL + _MOST_RATIO * packed:
                    raise ValueError(f"it unpacks to {unpacked:,} bytes")
                most = max(most, unpacked)
    return most
