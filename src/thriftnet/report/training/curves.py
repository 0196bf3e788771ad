"""Accuracy by epoch, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from thriftnet.inference.views import NAMES
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import RunRecord
from thriftnet.report.training.changes import mark_epochs
from thriftnet.table import clock

_SEEN = 0.001
"""Share of the time below which a part of a bar is too thin to see."""


def draw_accuracy(record: RunRecord) -> Drawing:
    """Draw training and validation accuracy by epoch, and the final test accuracy."""
    axes = style.new_axes(legend_rows=1)
    said = [
        plot_curve(axes, record.series("train_accuracy"), style.LINES[0], "training", scale=100),
        plot_curve(axes, record.series("val_accuracy"), style.LINES[1], "validation", scale=100),
        plot_test(axes, record, "accuracy", scale=100),
    ]
    label_epochs(axes, "top-1 accuracy (%)")
    changes = mark_epochs(axes, record.recipe)
    style.legend_above(axes)
    return finish(
        axes,
        name="accuracy",
        title="Accuracy",
        caption="Training accuracy is measured on augmented images, while the weights change. "
        + changes
        + test_words(record),
        alt=curve_alt("Top-1 accuracy by epoch, in percent", said, "{:.2f}"),
    )


def draw_time(record: RunRecord) -> Drawing:
    """Draw the seconds of training and of everything else per epoch."""
    epochs, training, other = epoch_seconds(record)
    axes = style.new_axes(legend_rows=1)
    edges = [*(epoch - 0.5 for epoch in epochs), epochs[-1] + 0.5]
    axes.stairs(
        training, edges, fill=True, color=style.BLUE,
        label=f"training steps, {clock(sum(training))}",
    )  # fmt: skip
    if sum(other) >= _SEEN * sum(training):
        both = [a + b for a, b in zip(training, other, strict=True)]
        axes.stairs(
            both, edges, baseline=training, fill=True, facecolor=style.ORANGE,
            edgecolor=style.MUTED, linewidth=0, hatch="///",
            label=f"validation, {clock(sum(other))}",
        )  # fmt: skip
    label_epochs(axes, "time (s)")
    axes.set_xlim(min(epochs) - 0.6, max(epochs) + 0.6)
    axes.set_ylim(0, 1.08 * max(a + b for a, b in zip(training, other, strict=True)) or 1)
    axes.grid(visible=False, axis="x")
    style.legend_above(axes, columns=2)
    total = sum(training) + sum(other)
    rate = record.epochs[-1]["images_per_second"]
    return finish(
        axes,
        name="time",
        title="Where the time went",
        caption=f"{clock(total)} (h:mm:ss or m:ss) over {len(epochs)} epochs, "
        f"{sum(training) / total:.1%} of it in training steps, augmentation included; the last "
        f"epoch trained on {rate:,.0f} images per second. Validation includes keeping the best "
        "weights; reading the data set and writing checkpoints for --resume are not counted.",
        alt=f"Seconds by epoch: {sum(training):.0f} s of training steps and "
        f"{sum(other):.0f} s of validation in all.",
    )


def epoch_seconds(record: RunRecord) -> tuple[list[int], list[float], list[float]]:
    """Epoch numbers, with seconds of training and of the rest."""
    plan = record.epoch_plan()
    epochs: list[int] = []
    training: list[float] = []
    other: list[float] = []
    step, seconds = 0, 0.0
    for line in record.epochs:
        spent = max(0.0, line["seconds"] - seconds)
        images = plan.images_in(line["step"]) - plan.images_in(step) if plan else 0
        stepping = min(spent, images / line["images_per_second"]) if images else spent
        epochs.append(int(line["epoch"]))
        training.append(stepping)
        other.append(spent - stepping)
        step, seconds = line["step"], line["seconds"]
    return epochs, training, other


def plot_curve(
    axes: Axes,
    series: tuple[Sequence[float], Sequence[float]],
    look: style.LineStyle,
    label: str,
    *,
    scale: float = 1,
) -> tuple[str, list[float]]:
    """Draw a line with a few markers; nothing without values."""
    epochs, values = series
    scaled = [value * scale for value in values]
    if values:
        every = max(1, len(values) // 10)
        marks = sorted({*range(0, len(values), every), len(values) - 1})
        axes.plot(
            epochs, scaled, color=look.color, linestyle=look.linestyle, marker=look.marker,
            markevery=marks, label=label,
        )  # fmt: skip
    return label, scaled


def label_epochs(axes: Axes, quantity: str) -> None:
    """Label both axes of a figure by epoch."""
    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def plot_test(axes: Axes, record: RunRecord, key: str, *, scale: float) -> tuple[str, list[float]]:
    """The one test figure, after the last epoch."""
    if not record.test:
        return "test", []
    value, last = record.test[key] * scale, len(record.epochs)
    label = f"test, once: {value:.2f}%" if key == "accuracy" else f"test, once: {value:.3f}"
    axes.plot(
        [last], [value], linestyle="none", marker="*", markersize=12, color=style.INK,
        markerfacecolor=style.ORANGE, label=label, zorder=5, clip_on=False,
    )  # fmt: skip
    return "test", [value]


def test_words(record: RunRecord) -> str:
    """What the star is."""
    if record.test:
        views = NAMES[record.tta]
        return f"The star is of the test images, evaluated once after training, {views}."
    return "Not evaluated on the test split."


def curve_alt(what: str, said: list[tuple[str, list[float]]], form: str) -> str:
    """Each curve's first, last and best value."""
    parts = [
        f"{label}: {form.format(values[0])} at first, {form.format(values[-1])} at the end, "
        f"best {form.format(np.min(values) if 'Loss' in what else np.max(values))}"
        if len(values) > 1
        else f"{label}: {form.format(values[0])}"
        for label, values in said
        if values
    ]
    return f"{what}. {'; '.join(parts)}."
