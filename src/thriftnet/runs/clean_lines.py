"""Leaves out of a line of the metrics what no training wrote, such as text in place of a figure.

A received run may hold any values, and whoever reads the lines formats and compares them.
"""

from __future__ import annotations

from typing import Any

LARGEST = 1e18
"""Figures are smaller."""
_ANY = -LARGEST
_LEAST: dict[str, float] = {
    **dict.fromkeys(("train_images", "epochs"), 1),
    "images_per_second": 1e-9,
    **dict.fromkeys(
        (
            *("step", "epoch", "steps", "seconds", "parameters", "macs", "val_images", "images"),
            *("pflop", "best_epoch", "cpu_share", "cpu_contention"),
            *("memory_bytes", "memory_share", "device_memory_bytes"),
        ),
        0,
    ),
    **dict.fromkeys(
        (
            *("train_loss", "train_cross_entropy", "train_accuracy", "val_loss", "val_accuracy"),
            *("learning_rate", "best_val_accuracy", "accuracy", "top5", "loss"),
            *("calibration_error", "balanced_accuracy", "macro_f1", "mean", "clean"),
            "mean_without_resembled",
        ),
        _ANY,
    ),
}
"""The least value of each key that has a figure."""
_MOST = {**dict.fromkeys(("epoch", "epochs", "best_epoch"), 1e9), "step": 1e12, "steps": 1e12}
"""The largest value of those by which axes are scaled."""
_MAY_BE_NONE = {
    *("train_cross_entropy", "val_loss", "val_accuracy", "best_val_accuracy", "best_epoch"),
    *("cpu_share", "cpu_contention", "memory_bytes", "memory_share", "device_memory_bytes"),
    *("balanced_accuracy", "macro_f1", "mean_without_resembled"),
}
_INTERVALS = {"accuracy_interval", "balanced_accuracy_interval", "macro_f1_interval", "interval"}
_TEXTS = {"kind", "tta", "precision", "corruption", "selected", "reason", "source"}


def cleaned(line: dict[str, Any]) -> dict[str, Any]:
    """A line without the values that cannot be what their key says; unknown keys are kept."""
    if line.get("kind") == "environment":  # facts of any kind
        return {k: v for k, v in line.items() if k != "step" or _is_fitting(k, v)}
    return {key: value for key, value in line.items() if _is_fitting(key, value)}


def _is_fitting(key: str, value: Any) -> bool:
    if key in _TEXTS:
        return isinstance(value, str)
    if key in _INTERVALS:
        pair = isinstance(value, list) and len(value) == 2
        return value is None or (pair and all(_is_figure(each, _ANY) for each in value))
    if key == "steps" and isinstance(value, dict):  # the curve of an epoch
        return True
    if key in _LEAST:
        fitting = _is_figure(value, _LEAST[key]) and value < _MOST.get(key, LARGEST)
        return fitting or (value is None and key in _MAY_BE_NONE)
    return True


def _is_figure(value: object, least: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value < LARGEST  # False for NaN
