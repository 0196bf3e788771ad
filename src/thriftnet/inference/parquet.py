"""Predictions as a Parquet file."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thriftnet.errors import DataError, RunError
from thriftnet.extras import load
from thriftnet.files import replacing

if TYPE_CHECKING:
    from thriftnet.inference.classifier import Classifier

_ROW_GROUP, _BATCH = 10_000, 500
"""Rows of the file's groups, and those that are in memory as Python values at once."""


def check_parquet(path: Path) -> None:
    """Check that Parquet can be written, before the work starts.

    Raises:
        DataError: pyarrow is missing.
    """
    load(f"{path} needs", "pyarrow.parquet", extra="data", error=DataError)


def is_parquet(path: Path) -> bool:
    """Whether a file has the columns that `write_parquet` writes; true without pyarrow."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        return True  # `check_parquet` tells that
    try:
        columns: list[str] = pq.read_schema(path).names
    except (OSError, ValueError):  # ValueError: pyarrow's ArrowInvalid
        return False
    return {"file", "label", "probabilities", "error"} <= set(columns)


def write_parquet(rows: Path, path: Path, classifier: Classifier) -> None:
    """Convert JSON lines to a Parquet file, one row group at a time.

    Columns: file, label, index, probability, probabilities (in the order of `classes` in the
        schema's metadata), error, and outlier if that was tested.

    Args:
        rows: File of JSON lines, as `JsonRows` writes them.
        path: The Parquet file.
        classifier: The network that made the predictions.

    Raises:
        RunError: The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("file", pa.string()),
            ("label", pa.string()),
            ("index", pa.int32()),
            ("probability", pa.float32()),
            ("probabilities", pa.list_(pa.float32())),
            ("error", pa.string()),
            *([("outlier", pa.bool_())] if classifier.outlier_test else []),
        ],
        metadata={
            "classes": json.dumps(classifier.classes),
            "network": classifier.digest,
            "preprocessing": json.dumps(classifier.preprocessing.contract()),
        },
    )
    with (
        rows.open("rb") as lines,
        replacing(path, error=RunError) as file,
        pq.ParquetWriter(file, schema) as writer,
    ):
        values = (_row(json.loads(line), classifier.classes) for line in lines)
        try:
            some = iter(lambda: list(islice(values, _BATCH)), [])
            batches = (pa.RecordBatch.from_pylist(rows, schema=schema) for rows in some)
            while group := list(islice(batches, _ROW_GROUP // _BATCH)):
                writer.write_table(pa.Table.from_batches(group, schema=schema))
        except (KeyError, TypeError, ValueError) as fault:  # ArrowInvalid is a ValueError
            reason = " ".join(str(fault).split())[:100]
            raise RunError(
                f"{rows} is damaged ({reason}); leave out --resume to start again"
            ) from None


def _row(value: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    text = {key: _as_text(value[key]) for key in ("file", "label", "error") if key in value}
    if "error" in value:
        return text
    shares = [value["probabilities"][name] for name in classes]
    return {**value, **text, "probabilities": shares}


def _as_text(text: str | None) -> str | None:
    """Parquet requires UTF-8, so other bytes of a file name are written as escapes."""
    if text is None:
        return None
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
