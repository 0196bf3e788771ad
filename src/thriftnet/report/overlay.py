"""Overlaid curves of groups of runs, as means with bands over seeds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from thriftnet.comparison.labels import count_seeds
from thriftnet.report import style
from thriftnet.report.classes import count_confusion
from thriftnet.report.curves import label_epochs
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record_groups import RecordGroup

MOST_GROUPS = len(style.LINES)
"""Limit of groups in one figure."""

_HALF_LABEL = 20
"""Number of characters in half the width of a legend."""

_BAND = "Lines are means over seeds, bands reach from the smallest to the largest. "
_CURVES = (
    ("train_loss", "Training loss", "cross-entropy (nats)", 1, None),
    ("val_loss", "Validation loss", "cross-entropy (nats)", 1, "loss"),
    ("train_accuracy", "Training accuracy", "top-1 accuracy (%)", 100, None),
    ("val_accuracy", "Validation accuracy", "top-1 accuracy (%)", 100, "accuracy"),
)


def draw_overlays(groups: list[RecordGroup]) -> list[Drawing]:
    """Draw each curve that at least one group has, then the test metrics."""
    drawings: list[Drawing] = []
    for key, title, quantity, scale, test in _CURVES:
        if any(len(group.band(key)[0]) for group in groups):
            labels = [f"{_name(group)}, {count_seeds(len(group.records))}" for group in groups]
            columns, rows = _legend(labels)
            axes = style.new_axes(height=3.0 + 0.22 * rows, legend_rows=rows)
            words = _draw_curve(axes, groups, labels, key, scale=scale, test=test)
            label_epochs(axes, quantity)
            style.legend_above(axes, columns=columns)
            stars = "Stars at the end are test figures, one a seed. " if test else ""
            drawings.append(
                finish(
                    axes,
                    name=key.replace("_", "-"),
                    title=title,
                    caption=_BAND + stars,
                    alt=f"{title} by epoch. {words}.",
                )
            )
    if any(group.tests("accuracy") for group in groups):
        drawings.append(_draw_tests(groups))
    classes = {record.classes for group in groups for record in group.records}
    if len(classes) == 1 and any(r.logits is not None for g in groups for r in g.records):
        drawings.append(_draw_classes(groups, classes.pop()))
    return drawings


def _draw_curve(
    axes: Axes,
    groups: list[RecordGroup],
    labels: list[str],
    key: str,
    *,
    scale: float,
    test: str | None,
) -> str:
    words: list[str] = []
    for group, label, look in zip(groups, labels, style.LINES, strict=False):
        epochs, mean, low, high = group.band(key)
        if len(epochs) == 0:
            continue
        marks = max(1, len(epochs) // 8)
        axes.plot(
            epochs, mean * scale, color=look.color, linestyle=look.linestyle, marker=look.marker,
            markevery=marks, label=label,
        )  # fmt: skip
        if len(group.records) > 1:
            axes.fill_between(
                epochs, low * scale, high * scale, color=look.color, alpha=0.22, linewidth=0
            )
        values = [value * scale for value in (group.tests(test) if test else [])]
        axes.plot(
            [epochs[-1]] * len(values), values, linestyle="none", marker="*", markersize=9,
            color=style.INK, markerfacecolor=look.color, clip_on=False, zorder=5,
        )  # fmt: skip
        words.append(f"{label}: {mean[0] * scale:.3f} to {mean[-1] * scale:.3f}")
    return "; ".join(words)


def _draw_tests(groups: list[RecordGroup]) -> Drawing:
    """Draw a point per seed, and the mean."""
    axes = _rows([style.printable(group.label, longest=22) for group in groups])
    words: list[str] = []
    for place, (group, look) in enumerate(zip(groups, style.LINES, strict=False)):
        values = [100 * value for value in group.tests("accuracy")]
        if not values:
            continue
        axes.plot(
            values, [place] * len(values), linestyle="none", marker=look.marker, markersize=7,
            color=look.color, alpha=0.75,
        )  # fmt: skip
        mean = float(np.mean(values))
        axes.plot([mean, mean], [place - 0.3, place + 0.3], color=style.INK, linewidth=2)
        words.append(f"{group.label}: mean {mean:.2f} over {len(values)} seeds")
    axes.set_xlabel("test top-1 accuracy (%)")
    views = sorted({r.tta for g in groups for r in g.records if r.test})
    return finish(
        axes,
        name="test-accuracy",
        title="Test accuracy by seed",
        caption="One marker per run; the bar is the mean. Test-time augmentation: "
        + ", ".join(views)
        + ".",
        alt="Test accuracy in percent. " + "; ".join(words) + ".",
    )


def _draw_classes(groups: list[RecordGroup], classes: tuple[str, ...]) -> Drawing:
    """Draw the mean accuracy per class."""
    columns, rows = _legend([_name(group) for group in groups])
    axes = _rows([style.printable(name, longest=16) for name in classes], legend_rows=rows)
    for number, (group, look) in enumerate(zip(groups, style.LINES, strict=False)):
        shares = _class_accuracy(group)
        if shares is None:
            continue
        shift = (number + 1) / (len(groups) + 1) - 0.5  # side by side within the row
        places = np.arange(len(classes)) + 0.7 * shift
        axes.plot(
            shares, places, linestyle="none", marker=look.marker, color=look.color,
            label=_name(group),
        )  # fmt: skip
    axes.set_xlabel("test top-1 accuracy (%)")
    style.legend_above(axes, columns=columns)
    return finish(
        axes,
        name="class-accuracy",
        title="Accuracy by class",
        caption="Means over the seeds that have predictions.",
        alt=f"Test accuracy on each of {len(classes)} classes for {len(groups)} recipes.",
    )


def _class_accuracy(group: RecordGroup) -> NDArray[np.float64] | None:
    """(classes,) in percent, the mean over runs with predictions."""
    found: list[NDArray[np.float64]] = []
    for record in group.records:
        if record.logits is not None and record.labels is not None:
            counts = count_confusion(record.logits, record.labels)
            found.append(100 * np.diag(counts) / np.maximum(counts.sum(axis=1), 1))
    return np.mean(found, axis=0) if found else None


def _name(group: RecordGroup) -> str:
    return style.printable(group.label, longest=32)


def _legend(labels: list[str]) -> tuple[int, int]:
    """Columns and rows of the legend; long labels get one column."""
    columns = 2 if max(map(len, labels)) <= _HALF_LABEL else 1
    return columns, -(-len(labels) // columns)


def _rows(names: list[str], *, legend_rows: int = 0) -> Axes:
    """Axes with a labelled row per item."""
    height = 0.75 + 0.36 * len(names) + 0.2 * legend_rows
    axes = style.new_axes(height=height)
    low = 0.52 / height
    left = (0.35 + 0.085 * max(map(len, names))) / style.HALF
    top = (0.1 + 0.2 * legend_rows) / height
    axes.set_position((left, low, 0.96 - left, 1 - low - top))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return axes
