"""Points and parameters of a run for trackers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from thriftnet.recipe.keys import flatten
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord

CURVES = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
    "cpu_contention": "cpu_contention",
}
"""Keys of an epoch's line, and names that let trackers group curves."""


@dataclass(frozen=True)
class Point:
    """A value at a step."""

    name: str
    step: int
    """Step of the optimiser; a test belongs to the last one."""
    value: float
    seconds: float
    """Seconds of training up to then."""


def read_points(run: RunFolder) -> list[Point]:
    """All finite metrics of epochs, of the end and of tests; one per name and step.

    Names are `end/...`, `test/...` with the recipe's views, `test_without_tta/...` or
    `test_flip/...` with others, and `test_contrast_3/...` for corrupted images.
    """
    tta = run.recipe().evaluate.tta
    points: dict[tuple[str, int], Point] = {}
    step, seconds = 0, 0.0
    for line in run.metrics():
        step, seconds = int(line.get("step", step)), float(line.get("seconds", seconds))
        for name, value in _figures(line, tta=tta).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and math.isfinite(value):
                points[name, step] = Point(name, step, value, seconds)  # the later of two tests
    return list(points.values())


def read_parameters(run: RunFolder) -> dict[str, Any]:
    """All dotted recipe keys, and parameters, MACs and images from the start line."""
    lines = run.metrics(outline=True)
    start = next((line for line in lines if line.get("kind") == "start"), {})
    facts = {key: value for key, value in start.items() if key not in {"kind", "step"}}
    return {
        key: value if isinstance(value, bool | int | float | str) else json.dumps(value)
        for key, value in {**flatten(run.recipe().model_dump(mode="json")), **facts}.items()
    }


def started_at(run: RunFolder) -> float:
    """Start time in seconds since 1970, from the recipe file."""
    return run.recipe_path.stat().st_mtime


def _figures(line: MetricRecord, *, tta: str) -> dict[str, Any]:
    """Names and values of a line, including values that are not numbers."""
    kind = line.get("kind")
    if kind == "epoch":
        return {name: line.get(key) for key, name in CURVES.items()}
    if kind == "end":
        return {f"end/{key}": value for key, value in line.items() if key != "step"}
    if kind not in ("test", "evaluation"):
        return {}
    views = line.get("tta")
    parts = [str(line[name]) for name in ("data", "corruption") if line.get(name)] or ["test"]
    parts += [] if views == tta else ["without_tta" if views == "none" else str(views)]
    group = "_".join(parts).replace(":", "_")
    low, high = line.get("accuracy_interval") or (None, None)
    interval = {"accuracy_low": low, "accuracy_high": high}
    return {f"{group}/{key}": value for key, value in {**line, **interval}.items()}
