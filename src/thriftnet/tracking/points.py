"""Points and parameters of a run for trackers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thriftnet.recipe.keys import flatten
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, is_figure, step_figures

_CURVES = {
    "train_loss": "loss/train",
    "train_cross_entropy": "loss/train_cross_entropy",
    "val_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
    "cpu_share": "cpu_share",
    "cpu_contention": "cpu_contention",
    "memory_bytes": "memory_bytes",
    "memory_share": "memory_share",
    "device_memory_bytes": "device_memory_bytes",
}
"""Keys of an epoch's line, and names that let trackers group curves."""
_STEP_CURVES = ("loss/step", "gradient_norm")
"""Names of the figures by step."""
CURVES = frozenset([*_CURVES.values(), *_STEP_CURVES])
"""Names of all points that belong to a curve."""


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
    """All finite metrics of steps, epochs, the end and evaluations; one per name and step.

    Names are `end/...`, `test/...` with the recipe's views, `test_without_tta/...` or
    `test_flip/...` with others, `test_contrast_3/...` for corrupted images, and `robustness/...`.
    """
    tta = run.recipe().evaluate.tta
    points: dict[tuple[str, int], Point] = {}
    step, seconds = 0, 0.0
    for line in run.metrics():
        before = step, seconds
        step = int(line["step"]) if is_figure(line.get("step")) else step
        seconds = float(line["seconds"]) if is_figure(line.get("seconds")) else seconds
        found = [Point(name, step, v, seconds) for name, v in _figures(line, tta=tta).items()]
        for point in [*_step_points(line, before, (step, seconds)), *found]:
            if is_figure(point.value):
                points[point.name, point.step] = point  # the later of two tests
    return list(points.values())


def _step_points(
    line: MetricRecord, start: tuple[int, float], end: tuple[int, float]
) -> Iterator[Point]:
    """The points of an epoch's line by step.

    Their times are interpolated between the (step, seconds) of the epoch's start and end.
    """
    if line.get("kind") != "epoch":
        return
    for step, *values in step_figures(line):
        share = (step - start[0]) / max(1, end[0] - start[0])
        for name, value in zip(_STEP_CURVES, values, strict=True):
            if value is not None:
                yield Point(name, int(step), value, start[1] + share * (end[1] - start[1]))


def read_parameters(run: RunFolder) -> dict[str, Any]:
    """All dotted recipe keys, and parameters, MACs and images from the start line."""
    lines = run.metrics(outline=True)
    start: MetricRecord = next((line for line in lines if line.get("kind") == "start"), {})
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
        return {name: line.get(key) for key, name in _CURVES.items()}
    if kind == "end":
        return {f"end/{key}": value for key, value in line.items() if key != "step"}
    views = line.get("tta")
    if kind == "robustness":
        parts = [kind] if line.get("data") == "test" else [kind, str(line.get("data"))]
        parts += [] if views == "none" else [str(views)]
        interval = ("interval", "mean")
    elif kind in ("test", "evaluation"):
        parts = [str(line[name]) for name in ("data", "corruption") if line.get(name)] or ["test"]
        parts += [] if views == tta else ["without_tta" if views == "none" else str(views)]
        interval = ("accuracy_interval", "accuracy")
    else:
        return {}
    group = "_".join(parts).replace(":", "_")
    limits: dict[str, Any] = {}
    if isinstance(known := line.get(interval[0]), list) and len(known) == 2:
        limits = {f"{interval[1]}_low": known[0], f"{interval[1]}_high": known[1]}
    return {f"{group}/{key}": value for key, value in {**line, **limits}.items()}
