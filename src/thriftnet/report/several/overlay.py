"""Groups of runs over each other: means with bands over seeds, as the paper's figures 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from thriftnet.comparison.labels import count_seeds
from thriftnet.names import short_names
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.several.record_groups import RecordGroup
from thriftnet.report.several.rows import draw_classes, draw_tests, legend_layout
from thriftnet.report.training.changes import find_changes, mark_epochs
from thriftnet.report.training.curves import label_epochs
from thriftnet.report.training.loss import training_loss

MOST_GROUPS = len(style.LINES)
"""That a reader can tell apart."""

_BAND = "Lines are means over seeds, bands reach from the smallest to the largest. "


@dataclass(frozen=True)
class Curve:
    """A figure of all groups by epoch."""

    name: str
    """Of its files."""
    key: str
    title: str
    quantity: str
    scale: float = 1
    test: str = ""
    """The test metric at its end; empty: none."""
    words: str = ""
    """Of the caption."""


_CURVES = (
    Curve("val-loss", "val_loss", "Validation loss", "cross-entropy (nats)", test="loss"),
    Curve("train-accuracy", "train_accuracy", "Training accuracy", "top-1 accuracy (%)", 100),
    Curve(
        "val-accuracy", "val_accuracy", "Validation accuracy", "top-1 accuracy (%)", 100, "accuracy"
    ),
)


def draw_overlays(groups: list[RecordGroup]) -> list[Drawing]:
    """Every curve that at least one group has, then the test figures."""
    names = short_names([group.label for group in groups], longest=32)
    curves = (_training_loss(groups), *_CURVES)
    drawings = [
        _draw_curve(groups, names, curve)
        for curve in curves
        if any(len(group.band(curve.key)[0]) for group in groups)
    ]
    if any(group.tests("accuracy") for group in groups):
        drawings.append(draw_tests(groups))
    classes = {record.classes for group in groups for record in group.records}
    if len(classes) == 1 and any(r.logits is not None for g in groups for r in g.records):
        drawings.append(draw_classes(groups, names, classes.pop()))
    return drawings


def _training_loss(groups: list[RecordGroup]) -> Curve:
    """The plain cross-entropy where all runs kept it, and what it must not be compared with."""
    found = [training_loss(record) for group in groups for record in group.records]
    keys = {key for key, _ in found}
    key = keys.pop() if len(keys) == 1 else "train_loss"
    reasons = list(dict.fromkeys(reason for _, own in found for reason in own))
    words = f"Not comparable with validation and test loss: {', '.join(reasons)}. "
    return Curve(
        "train-loss", key, "Training loss", "training loss (nats)", words=words if reasons else ""
    )


def _draw_curve(groups: list[RecordGroup], names: list[str], curve: Curve) -> Drawing:
    labels = [
        f"{name}, {count_seeds(len(group.records))}"
        for name, group in zip(names, groups, strict=True)
    ]
    columns, rows = legend_layout(labels)
    axes = style.new_axes(height=3.0 + 0.22 * rows, legend_rows=rows)
    words: list[str] = []
    details: dict[str, list[str]] = {}
    for group, label, look in zip(groups, labels, style.LINES, strict=False):
        epochs, mean, low, high = (each * 1.0 for each in group.band(curve.key))
        mean, low, high = mean * curve.scale, low * curve.scale, high * curve.scale
        if len(epochs) == 0:
            continue
        axes.plot(
            epochs, mean, color=look.color, linestyle=look.linestyle, marker=look.marker,
            markevery=max(1, len(epochs) // 8), label=label,
        )  # fmt: skip
        told = [""] * len(epochs)
        if len(group.records) > 1:
            axes.fill_between(epochs, low, high, color=look.color, alpha=0.22, linewidth=0)
            ends = zip(low.tolist(), high.tolist(), strict=True)
            told = [f"{least:.4g} to {most:.4g}" for least, most in ends]
        values = [value * curve.scale for value in (group.tests(curve.test) if curve.test else [])]
        # Of the line's shape, since colour alone tells nothing in grey.
        axes.plot(
            [epochs[-1]] * len(values), values, linestyle="none", marker=look.marker,
            markersize=10 if look.marker == "*" else 8, color=style.INK,
            markerfacecolor=look.color, clip_on=False, zorder=5,
        )  # fmt: skip
        if values:
            test = f"test {', '.join(f'{value:.4g}' for value in values)}"
            told[-1] = "; ".join(filter(None, (told[-1], test)))
        if any(told):
            details[label] = told
        words.append(f"{label}: {mean[0]:.3f} to {mean[-1]:.3f}")
    tests = "Large outlined markers at the end are test figures, one per seed. "
    label_epochs(axes, curve.quantity)
    style.legend_above(axes, columns=columns)
    return finish(
        axes,
        name=curve.name,
        title=curve.title,
        caption=_BAND + curve.words + _mark_changes(axes, groups) + (tests if curve.test else ""),
        alt=f"{curve.title} by epoch. {'; '.join(words)}.",
        details=details,
    )


def _mark_changes(axes: Axes, groups: list[RecordGroup]) -> str:
    """Lines where all recipes change alike; else their changes in words."""
    recipes = [group.records[0].recipe for group in groups]
    changes = [find_changes(recipe) for recipe in recipes]
    if all(each == changes[0] for each in changes):
        return mark_epochs(axes, recipes[0])
    told = [
        f"{group.label}: {'; '.join(change.sentence for change in each)}. "
        for group, each in zip(groups, changes, strict=True)
        if each
    ]
    return "".join(told)
