"""Curves of a run for results files: a column per metric, an entry per epoch."""

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
"""Significant digits; more are invisible in a figure."""


def curve_of(lines: Sequence[MetricRecord]) -> dict[str, list[float | None]]:
    """Columns by epoch from a run's metrics, without empty ones."""
    epochs = [line for line in lines if line.get("kind") == "epoch"]
    columns = {key: [_short(line.get(key)) for line in epochs] for key in _COLUMNS}
    return {key: column for key, column in columns.items() if any(v is not None for v in column)}


def _short(value: float | None) -> float | None:
    """Round a value; integers stay integers."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
