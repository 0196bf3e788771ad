"""Confusion matrix and accuracy per class on the test images."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from thriftnet.evaluation.class_metrics import ClassSummary, summarise_classes
from thriftnet.evaluation.intervals import Interval
from thriftnet.evaluation.metrics import confusion_matrix
from thriftnet.names import short_names
from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish


def count_confusion(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(classes, classes): row is the label, column the prediction."""
    predicted = torch.from_numpy(logits.argmax(axis=1))
    counts = confusion_matrix(predicted, torch.from_numpy(labels), classes=logits.shape[1])
    return counts.numpy()


def draw_confusion(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Drawing:
    """Draw the confusion matrix, shaded by the share of the label's images."""
    number = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(3.4, 0.36 * number)
    figure = Figure(figsize=(side + 1.8, side + 1.25))
    width, height = figure.get_size_inches()
    axes = figure.add_axes((1.25 / width, 1.05 / height, side / width, side / height))
    # The root makes errors visible, as each is a few hundredths of a row.
    axes.pcolormesh(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), edgecolors="none")
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > 0.3
        axes.text(
            column + 0.5, row + 0.5, str(counts[row, column]), ha="center", va="center",
            fontsize=7.5, color="#ffffff" if dark else "#000000",
        )  # fmt: skip
    names = short_names(classes, longest=14)
    middles = np.arange(number) + 0.5
    rows, columns = np.nonzero(counts)
    # Draws nothing: the page reads the cells off it.
    axes.plot(columns + 0.5, rows + 0.5, linestyle="none", label="images")
    axes.set_xticks(middles, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(middles, names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    worst = (
        f"the most frequent mistake is {printable(classes[row])} predicted as "
        f"{printable(classes[column])}, {wrong[row, column]} times"
        if wrong.any()
        else "there is no mistake"
    )
    return finish(
        axes,
        name="confusion",
        title="Confusion matrix",
        caption="Test images by label (row) and prediction (column); an empty cell is zero. "
        f"The shade is the square root of the share of the row. Here {worst}.",
        alt=f"Confusion matrix of {number} classes and {counts.sum():,} test images, "
        f"{int(np.trace(counts)):,} of them on the diagonal; {worst}.",
        details={"images": [_cell_words(counts, *at) for at in np.argwhere(counts).tolist()]},
    )


def _cell_words(counts: NDArray[np.int64], row: int, column: int) -> str:
    share = counts[row, column] / counts[row].sum()
    return f"{counts[row, column]:,}, {share:.1%} of the label"


_MEASURES = ("recall", "precision", "F1")


def draw_classes(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Drawing:
    """Recall, precision and F1 of each class with their intervals."""
    summary = summarise_classes(counts, classes)
    row = _ROW if len(classes) <= _MANY else _LOW_ROW
    axes = style.named_rows(short_names(classes, longest=18), row=row, above=_LEGEND)
    details = {
        measure: _draw_measure(axes, summary, measure, look, shift=0.26 * (number - 1))
        for number, (measure, look) in enumerate(zip(_MEASURES, style.LINES, strict=False))
    }
    overall = 100 * np.trace(counts) / max(1, counts.sum())
    axes.axvline(
        overall, color=style.INK, linestyle="--", linewidth=1, label=f"accuracy: {overall:.2f}%",
    )  # fmt: skip
    if summary.imbalanced:
        balanced = 100 * summary.balanced_accuracy
        axes.axvline(
            balanced, color=style.MUTED, linestyle=":", linewidth=1.5,
            label=f"balanced accuracy: {balanced:.2f}%",
        )  # fmt: skip
    axes.set_xlabel("%, with 95% interval")
    style.legend_above(axes, columns=2)
    recalls = ((each.recall, name) for name, each in summary.classes.items())
    known = [(recall, name) for recall, name in recalls if recall is not None]
    (worst, worst_name), (best, best_name) = min(known), max(known)
    return finish(
        axes,
        name="classes",
        title="Recall, precision and F1 by class",
        caption="Recall: share of the images of the class that were predicted as it. Precision: "
        "share of the images predicted as the class that are of it. F1: their harmonic mean. "
        "Intervals say how far another test set of this size may differ, not another seed.",
        alt=f"Recall by class: highest for {printable(best_name)} ({best:.1%}), lowest "
        f"for {printable(worst_name)} ({worst:.1%}), {overall:.2f}% overall. Precision and "
        "F1 are in the table of classes.",
        details=details,
    )


def _draw_measure(
    axes: Axes, summary: ClassSummary, measure: str, look: style.LineStyle, *, shift: float
) -> list[str]:
    """One measure of all classes that have it; what the page says at each point."""
    points: list[tuple[float, float]] = []
    words: list[str] = []
    for place, each in enumerate(summary.classes.values()):
        value: float | None = getattr(each, measure.lower())
        interval: Interval | None = getattr(each, f"{measure.lower()}_interval")
        if value is None or interval is None:
            continue
        ends = [100 * end for end in interval]
        axes.plot(ends, [place + shift] * 2, color=look.color, linewidth=1.4)
        points.append((100 * value, place + shift))
        words.append(
            f"95% {ends[0]:.1f} to {ends[1]:.1f}; {each.images:,} images, "
            f"{each.predicted:,} predicted"
        )
    axes.plot(
        [value for value, _ in points], [place for _, place in points], linestyle="none",
        marker=look.marker, color=look.color, markersize=5.5, label=measure,
    )  # fmt: skip
    return words


_ROW, _LOW_ROW = 0.4, 0.31
"""Height of a class, inches; of many classes."""
_MANY = 20
_LEGEND = 0.78
"""Height of a legend of three rows, inches."""
