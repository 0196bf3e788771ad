"""The format of a file of predictions, by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from thriftnet.errors import RunError

TableFormat = Literal["csv", "jsonl", "parquet"]

_FORMATS: dict[str, TableFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""All other suffixes are CSV's, ..."""
_UNKNOWN = {".json": ".jsonl", ".pq": ".parquet", ".tsv": ".csv", ".xls": ".csv", ".xlsx": ".csv"}
"""... but those of formats that are not written; with the nearest that is."""


def table_format(path: Path) -> TableFormat:
    """The format that a file of predictions has.

    Raises:
        RunError: Its suffix is that of a format that is not written.
    """
    suffix = path.suffix.lower()
    if suffix in _UNKNOWN:
        near = path.with_suffix(_UNKNOWN[suffix]).name
        raise RunError(f"{path}: predictions are not written as {suffix}; name it {near}")
    return _FORMATS.get(suffix, "csv")
