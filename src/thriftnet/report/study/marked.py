"""The paper's choice and the best one, marked by shape and by word on every figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from thriftnet.report import style
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial

PAPER = style.LineStyle(style.VERMILLION, "--", "*")
BEST = style.LineStyle(style.INK, "-", "D")
PAPER_SIZE, BEST_SIZE = 13, 7.5


def marked_trials(record: StudyRecord) -> list[tuple[Trial, style.LineStyle, float, str]]:
    """The best and the paper's with shape, size and word; one entry where they are the same."""
    best, paper = record.best, record.paper
    if best and paper and best.candidate.digest == paper.candidate.digest:
        return [(paper, PAPER, PAPER_SIZE, f"the paper's, {record.best_word}")]
    found: list[tuple[Trial, style.LineStyle, float, str]] = []
    if best:
        found.append((best, BEST, BEST_SIZE, record.best_word))
    if paper:
        found.append((paper, PAPER, PAPER_SIZE, "the paper's"))
    return found


def mark_point(
    axes: Axes, at: tuple[float, float], look: style.LineStyle, size: float, word: str
) -> None:
    """A shape that stands out, in the legend too."""
    axes.plot(
        [at[0]], [at[1]], linestyle="none", marker=look.marker, markersize=size,
        color=look.color, markeredgecolor=style.INK, markeredgewidth=0.8, label=word, zorder=6,
        clip_on=False,
    )  # fmt: skip


def write_words(axes: Axes, points: Sequence[tuple[tuple[float, float], str]]) -> None:
    """Words beside points, apart from each other: the upper one above, the lower one below.

    Args:
        axes: Whose limits are final.
        points: Places in data coordinates, and what is written there.
    """
    order = sorted(points, key=lambda point: -point[0][1])
    for rank, (at, word) in enumerate(order):
        across = axes.transAxes.inverted().transform(axes.transData.transform(at))[0]
        side = "right" if across > 0.62 else "left"
        up = rank == 0
        axes.annotate(
            word, at, xytext=(-9 if side == "right" else 9, 7 if up else -8),
            textcoords="offset points", ha=side, va="bottom" if up else "top", fontsize=8.6,
            zorder=7, bbox={"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )  # fmt: skip
