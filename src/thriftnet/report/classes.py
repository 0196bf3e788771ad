"""Confusion matrix and accuracy per class on the test images."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from thriftnet.evaluation.class_metrics import summarise_classes
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.evaluation.metrics import confusion_matrix
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
    names = [style.printable(name, longest=14) for name in classes]
    middles = np.arange(number) + 0.5
    axes.set_xticks(middles, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(middles, names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    worst = (
        f"the most frequent mistake is {style.printable(classes[row])} called "
        f"{style.printable(classes[column])}, {wrong[row, column]} times"
        if wrong.any()
        else "there is no mistake"
    )
    return finish(
        axes,
        name="confusion",
        title="Confusion matrix",
        caption="Test images by label (row) and prediction (column); empty is none. Shades grow "
        f"with the root of the share of the row. Here {worst}.",
        alt=f"Confusion matrix of {number} classes and {counts.sum():,} test images, "
        f"{int(np.trace(counts)):,} of them on the diagonal; {worst}.",
    )


def class_shares(
    counts: NDArray[np.int64],
) -> list[tuple[float, float, float] | None]:
    """Accuracy per class with its 95% interval (Wilson); None without images."""
    found: list[tuple[float, float, float] | None] = []
    for hits, total in zip(np.diag(counts).tolist(), counts.sum(axis=1).tolist(), strict=True):
        found.append((hits / total, *wilson_interval(hits, total)) if total else None)
    return found


def draw_classes(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Drawing:
    """Draw the accuracy per class with its interval."""
    shares = class_shares(counts)
    overall = np.trace(counts) / max(1, counts.sum())
    height = 1.0 + 0.31 * len(classes)
    axes = style.new_axes(height=height, legend_rows=1)
    figure = style.figure_of(axes)
    width = figure.get_size_inches()[0]
    low = 0.55 / height
    axes.set_position((1.25 / width, low, 1 - 1.45 / width, 1 - low - 0.36 / height))
    for place, share in enumerate(shares):
        if share:
            value, lowest, highest = (100 * part for part in share)
            axes.plot([lowest, highest], [place, place], color=style.BLUE, linewidth=2)
            axes.plot([value], [place], "o", color=style.BLUE, markersize=6)
    axes.axvline(
        100 * overall, color=style.VERMILLION, linestyle="--", linewidth=1.3,
        label=f"all images: {100 * overall:.2f}%",
    )  # fmt: skip
    summary = summarise_classes(counts, classes)
    if summary.imbalanced:
        balanced = 100 * summary.balanced_accuracy
        axes.axvline(
            balanced, color=style.GREEN, linestyle=":", linewidth=1.5,
            label=f"mean of the classes: {balanced:.2f}%",
        )  # fmt: skip
    axes.set_yticks(range(len(classes)), [style.printable(name, longest=14) for name in classes])
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlabel("top-1 accuracy (%), with 95% interval")
    style.legend_above(axes)
    known = [(share[0], name) for share, name in zip(shares, classes, strict=True) if share]
    (worst, worst_name), (best, best_name) = min(known), max(known)
    return finish(
        axes,
        name="classes",
        title="Accuracy by class",
        caption="The interval says how far another test set of this size may differ (Wilson), "
        "not another seed.",
        alt=f"Accuracy by class: highest for {style.printable(best_name)} ({best:.1%}), lowest "
        f"for {style.printable(worst_name)} ({worst:.1%}), {overall:.2%} over all.",
    )
