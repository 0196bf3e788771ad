"""Figures with a row for each recipe or class of several runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from thriftnet.comparison.labels import count_seeds
from thriftnet.comparison.statistics import estimate
from thriftnet.inference.views import NAMES
from thriftnet.names import short_names
from thriftnet.report import style
from thriftnet.report.classes import count_confusion
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.several.record_groups import RecordGroup

_HALF_LABEL = 20
"""Letters of a label that half the width of a legend has room for."""


def draw_tests(groups: list[RecordGroup]) -> Drawing:
    """One point a seed, and the mean."""
    axes = style.named_rows(short_names([g.label for g in groups], longest=22), row=0.36, above=0.1)
    words: list[str] = []
    details: dict[str, list[str]] = {}
    for place, (group, look) in enumerate(zip(groups, style.LINES, strict=False)):
        values = [100 * value for value in group.tests("accuracy")]
        if not values:
            continue
        axes.plot(
            values, [place] * len(values), linestyle="none", marker=look.marker, markersize=7,
            color=look.color, alpha=0.75, label=group.label,
        )  # fmt: skip
        tested = [record for record in group.records if record.test]
        details[group.label] = [f"{r.run.name}, seed {r.recipe.seed}" for r in tested]
        found = estimate(values)
        axes.plot([found.mean] * 2, [place - 0.3, place + 0.3], color=style.INK, linewidth=2)
        told = f"{group.label}: mean {found.mean:.2f} over {count_seeds(len(values))}"
        if found.half_width is not None:
            ends = [found.mean - found.half_width, found.mean + found.half_width]
            axes.plot(ends, [place] * 2, color=style.INK, linewidth=1)
            told += f" (95% {ends[0]:.2f} to {ends[1]:.2f})"
        words.append(told)
    low, high = axes.get_xlim()
    axes.set_xlim(max(0, low), min(100, high))  # an interval of two seeds may be very wide
    axes.set_xlabel("test top-1 accuracy (%)")
    views = sorted({NAMES[r.tta] for g in groups for r in g.records if r.test})
    return finish(
        axes,
        name="test-accuracy",
        title="Test accuracy by seed",
        caption="One marker per run; the bar is the mean, the line its 95% interval over seeds. "
        "Test images were evaluated " + ", ".join(views) + ".",
        alt="Test accuracy in percent. " + "; ".join(words) + ".",
        details=details,
    )


def draw_classes(groups: list[RecordGroup], names: list[str], classes: tuple[str, ...]) -> Drawing:
    """Mean recall of each class."""
    columns, rows = legend_layout(names)
    axes = style.named_rows(short_names(classes, longest=18), row=0.36, above=0.1 + 0.2 * rows)
    for number, (group, look) in enumerate(zip(groups, style.LINES, strict=False)):
        shares = _class_accuracy(group)
        if shares is None:
            continue
        shift = (number + 1) / (len(groups) + 1) - 0.5  # side by side within the row
        places = np.arange(len(classes)) + 0.7 * shift
        axes.plot(
            shares, places, linestyle="none", marker=look.marker, color=look.color,
            label=names[number],
        )  # fmt: skip
    axes.set_xlabel("recall on test images (%)")
    style.legend_above(axes, columns=columns)
    return finish(
        axes,
        name="class-accuracy",
        title="Recall by class",
        caption="Means over the seeds that have predictions.",
        alt=f"Recall on each of {len(classes)} classes for {len(groups)} recipes.",
    )


def _class_accuracy(group: RecordGroup) -> NDArray[np.float64] | None:
    """(classes,) percent, the mean over runs with predictions."""
    found: list[NDArray[np.float64]] = []
    for record in group.records:
        if record.logits is not None and record.labels is not None:
            counts = count_confusion(record.logits, record.labels)
            found.append(100 * np.diag(counts) / np.maximum(counts.sum(axis=1), 1))
    return np.mean(found, axis=0) if found else None


def legend_layout(labels: list[str]) -> tuple[int, int]:
    """Columns and rows that labels take beside each other, or under each other if they are long."""
    columns = 2 if max(map(len, labels)) <= _HALF_LABEL else 1
    return columns, -(-len(labels) // columns)
