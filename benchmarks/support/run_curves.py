"""A run's curves as results files keep them: a column for each figure, an entry an epoch."""

from __future__ import annotations

from collections.abc import Sequence

from thriftnet.runs.metrics_log import MetricRecord

_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
)
_DIGITS = 5
"""Significant ones: more cannot be seen in a figure."""


def curve_of(lines: Sequence[MetricRecord]) -> dict[str, list[float | None]]:
    """Columns by epoch from a run's metrics; one that has no value at all is left out."""
    epochs = [line for line in lines if line.get("kind") == "epoch"]
    columns = {key: [_short(line.get(key)) for line in epochs] for key in _COLUMNS}
    return {key: column for key, column in columns.items() if any(v is not None for v in column)}


def _short(value: float | None) -> float | None:
    """A whole number stays one."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
