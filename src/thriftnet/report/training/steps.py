"""Loss and gradient norm by step, where a run kept them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import RunRecord
from thriftnet.report.training.changes import caption, find_changes, mark_changes
from thriftnet.runs.metrics_log import step_figures

_SMOOTHED = 60
"""Points from which on a running median is drawn over them."""
_WIDE = 20
"""Largest over smallest gradient norm from which its axis is logarithmic."""

Numbers = NDArray[np.float64]


def step_points(record: RunRecord) -> tuple[Numbers, Numbers, Numbers]:
    """Steps, losses and gradient norms (NaN if unknown) of all finished epochs."""
    found = [
        (step, loss, np.nan if norm is None else norm)
        for line in record.epochs
        for step, loss, norm in step_figures(line)
    ]
    table = np.array(found, dtype=float).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def draw_steps(record: RunRecord) -> Drawing | None:
    """Both by step above each other; none for runs of earlier versions."""
    steps, losses, norms = step_points(record)
    if len(steps) < 2:
        return None
    above, below = style.stacked_axes(2.0, 2.2)
    every = int(np.median(np.diff(steps)))
    each = "each step" if every == 1 else f"mean of {every} steps"
    _plot(above, steps, losses, style.BLUE, each)
    above.set_ylabel("training loss (nats)")
    known = np.isfinite(norms)
    of = "each step" if every == 1 else f"every {every} steps"
    if known.any():
        _plot(below, steps[known], norms[known], style.VERMILLION, of)
        positive = norms[known][norms[known] > 0]
        if len(positive) and positive.max() > _WIDE * positive.min():
            below.set_yscale("log")
            below.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            below.yaxis.set_minor_formatter(NullFormatter())
    below.set_ylabel("gradient norm")
    below.set_xlabel("step")
    below.set_xlim(0, record.total_steps or steps[-1])
    below.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    below.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    plan = record.epoch_plan()
    changes = [] if plan is None else find_changes(record.recipe)
    for axes in (above, below):
        mark_changes(axes, changes, [plan.first_step(c.after) if plan else 0 for c in changes])
        style.legend_above(axes, columns=2)
    reach = ""
    if known.any():
        reach = f" Gradient norm from {norms[known].min():.3g} to {norms[known].max():.3g}."
    return finish(
        above,
        name="steps",
        title="Loss and gradient norm by step",
        caption="The loss that is trained on, and the Euclidean norm of its gradient over all "
        f"weights before the optimiser changes it. {caption(changes)}"
        + ("The line is a running median." if len(steps) >= _SMOOTHED else ""),
        alt=f"Training loss by step: {losses[0]:.3f} at first, {losses[-1]:.3f} at the end, over "
        f"{len(steps)} points.{reach}",
    )


def _plot(axes: Axes, steps: Numbers, values: Numbers, color: str, label: str) -> None:
    many = len(steps) >= _SMOOTHED
    axes.plot(
        steps, values, color=color, linewidth=0.7 if many else 1.4, alpha=0.45 if many else 1,
        label=label,
    )  # fmt: skip
    if many:
        every = max(1, len(steps) // 200)  # it is smooth
        medians = _medians(values)[::every]
        axes.plot(steps[::every], medians, color=style.INK, linewidth=1.3, label="running median")


def _medians(values: Numbers) -> Numbers:
    """Of a window that is a fortieth of them, shorter at the ends."""
    half = max(2, len(values) // 80)
    padded = np.concatenate([np.full(half, np.nan), values, np.full(half, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.nanmedian(windows, axis=1)
