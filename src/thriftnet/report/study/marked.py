"""Marks the reference and the best candidate in figures by shape and label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from thriftnet.report import style
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial

REFERENCE = style.LineStyle(style.VERMILLION, "--", "*")
BEST = style.LineStyle(style.INK, "-", "D")
REFERENCE_SIZE, BEST_SIZE = 13, 7.5

Points = NDArray[np.float64]
_LETTER = 5.2
"""Width of a character in a label, in points."""
_OFFSETS = [
    (x, y) for far in (9, 26, 48) for x in (far, -far) for y in (0, far, -far, far / 2, -far / 2)
]
"""Possible positions of a label beside its point."""


def marked_trials(record: StudyRecord) -> list[tuple[Trial, style.LineStyle, float, str]]:
    """The best and the reference with shape, size and label; one entry if they are the same."""
    best, reference = record.best, record.reference
    if best and reference and best.candidate.digest == reference.candidate.digest:
        word = f"the reference, {record.best_word}"
        return [(reference, REFERENCE, REFERENCE_SIZE, word)]
    found: list[tuple[Trial, style.LineStyle, float, str]] = []
    if best:
        found.append((best, BEST, BEST_SIZE, record.best_word))
    if reference:
        found.append((reference, REFERENCE, REFERENCE_SIZE, "the reference"))
    return found


def legend_on_top(axes: Axes) -> None:
    """Add a legend above the axes; the figure grows, the axes keep their size."""
    labels = axes.get_legend_handles_labels()[1]
    grown = 0.22 * -(-len(labels) // 2)  # inches
    figure, place = style.figure_of(axes), axes.get_position()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + grown)
    share = height / (height + grown)
    axes.set_position((place.x0, place.y0 * share, place.width, place.height * share))
    style.legend_above(axes, columns=2)


def mark_point(
    axes: Axes, at: tuple[float, float], look: style.LineStyle, size: float, word: str
) -> None:
    """Draw a prominent marker, also in the legend."""
    axes.plot(
        [at[0]], [at[1]], linestyle="none", marker=look.marker, markersize=size,
        color=look.color, markeredgecolor=style.INK, markeredgewidth=0.8, label=word, zorder=6,
        clip_on=False,
    )  # fmt: skip


def write_words(axes: Axes, points: Sequence[tuple[tuple[float, float], str]]) -> None:
    """Place labels beside points with little overlap, with a line if they are far.

    Args:
        axes: Has its final limits and size, and all points in its lines.
        points: Data coordinates and labels.
    """
    taken = np.concatenate([_drawn_points(axes), [(-1e9, -1e9)]])
    for at, word in points:
        place = _in_points(axes, [at])[0]
        size = np.array([_LETTER * len(word), 11.0])
        dx, dy = min(_OFFSETS, key=lambda off: _crowding(axes, place, np.array(off), size, taken))
        far = max(abs(dx), abs(dy)) > 12
        axes.annotate(
            word, at, xytext=(dx, dy), textcoords="offset points", va="center", fontsize=8.6,
            ha="left" if dx > 0 else "right", zorder=7,
            arrowprops={"arrowstyle": "-", "color": style.INK, "linewidth": 0.7} if far else None,
            bbox={"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )  # fmt: skip
        centre = place + np.array([dx + np.sign(dx) * size[0] / 2, dy])
        steps = np.linspace(-0.5, 0.5, 5)[:, None] * [size[0], 0]
        taken = np.concatenate([taken, centre + steps])  # the next label avoids this one


def _crowding(axes: Axes, place: Points, offset: Points, size: Points, taken: Points) -> float:
    """Cost of a position: points under the label, distance, and leaving the axes."""
    centre = place + offset + [np.sign(offset[0]) * size[0] / 2, 0]
    inside = (np.abs(taken - centre) < size / 2 + 4).all(axis=1)
    box = axes.get_window_extent()
    scale = 72 / style.figure_of(axes).dpi
    low, high = np.array([box.x0, box.y0]) * scale, np.array([box.x1, box.y1]) * scale
    out = (centre - size / 2 < low).any() or (centre + size / 2 > high).any()
    return float(inside.sum()) + 100 * bool(out) + 0.004 * float(np.abs(offset).sum())


def _drawn_points(axes: Axes) -> Points:
    """(N, 2) positions of all markers, in points of the page."""
    marked = [line for line in axes.lines if line.get_marker() not in {"None", "", "|"}]
    return np.concatenate(
        [_in_points(axes, np.column_stack(line.get_data())) for line in marked]
        or [np.empty((0, 2))]
    )


def _in_points(axes: Axes, places: Any) -> Points:
    """Convert (N, 2) data coordinates to points of the page."""
    pixels = axes.transData.transform(np.asarray(places, dtype=float))
    return np.asarray(pixels) * 72 / style.figure_of(axes).dpi
