"""What trackers show of a run: its lines as named values by step, its recipe as parameters."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from thriftnet.recipe.keys import flatten
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord

_CURVES = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
    "cpu_contention": "cpu_contention",
}
"""Keys of an epoch's line, and the names by which trackers put curves side by side."""


@dataclass(frozen=True)
class Point:
    """A value at a step."""

    name: str
    step: int
    """Of the optimiser; a test counts for the last one."""
    value: float
    seconds: float
    """Of training up to then."""


def read_points(run: RunFolder) -> list[Point]:
    """All finite figures of epochs, of the end and of tests; one for each name and step.

    Those of the end are named `end/...`, those of the test images `test/...` with the views that
    the recipe chose, else `test_without_tta/...` or `test_flip/...`; of corrupted ones
    `test_contrast_3/...`.
    """
    tta = run.recipe().evaluate.tta
    points: dict[tuple[str, int], Point] = {}
    step, seconds = 0, 0.0
    for line in run.metrics():
        step, seconds = int(line.get("step", step)), float(line.get("seconds", seconds))
        for name, value in _figures(line, tta=tta).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and math.isfinite(value):
                points[name, step] = Point(name, step, value, seconds)  # of two tests the later
    return list(points.values())


def read_parameters(run: RunFolder) -> dict[str, Any]:
    """Every key of the recipe, dotted, and what the start told: parameters, MACs, images."""
    lines = run.metrics(outline=True)
    start = next((line for line in lines if line.get("kind") == "start"), {})
    facts = {key: value for key, value in start.items() if key not in {"kind", "step"}}
    return {
        key: value if isinstance(value, bool | int | float | str) else json.dumps(value)
        for key, value in {**flatten(run.recipe().model_dump(mode="json")), **facts}.items()
    }


def started_at(run: RunFolder) -> float:
    """Seconds since 1970; the recipe is written when a run starts, and never again."""
    return run.recipe_path.stat().st_mtime


def _figures(line: MetricRecord, *, tta: str) -> dict[str, Any]:
    """Names and values of a line; those that are no numbers are for the caller to leave out."""
    kind = line.get("kind")
    if kind == "epoch":
        return {name: line.get(key) for key, name in _CURVES.items()}
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
