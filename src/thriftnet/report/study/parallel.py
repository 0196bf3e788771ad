"""Parallel coordinates: each candidate as a line through settings, cost and accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.keys import group_name, swept_keys
from thriftnet.report.study.marked import marked_trials
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.report.study.words import setting_text, shown_label
from thriftnet.runs.metrics_log import is_figure
from thriftnet.table import amount

_MOST_VALUES = 20
"""Largest number of ticks of a categorical axis."""
_MOST_KEYS = 8
_FEW_NUMBERS = 6
"""Up to so many different numbers an axis is categorical."""
_SHADES = ((0.25, 1.9, 0.95), (0.5, 1.3, 0.6), (1.0, 0.9, 0.3))
"""Share of the ranking, line width and opacity: worse candidates are fainter."""


@dataclass(frozen=True)
class Axis:
    """One vertical axis: positions in [0, 1]; None for candidates without a value."""

    name: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[Trial], float | None]


def draw_parallel(record: StudyRecord) -> Drawing | None:
    """Draw all trained candidates; None with fewer than two."""
    if len(record.trained) < 2:
        return None
    axes_of = _axes_of(record)
    longest = max(len(each.ticks) for each in axes_of)
    axes = style.new_axes(width=style.WHOLE, height=max(4.2, 0.27 * longest + 1.5))
    figure = style.figure_of(axes)
    height = figure.get_size_inches()[1]
    axes.set_position((0.02, 0.45 / height, 0.96, 1 - 0.8 / height))
    _frame(axes, axes_of)
    order = record.ranked
    marked = {trial.candidate.digest for trial, *_ in marked_trials(record)}
    for rank, trial in reversed(list(enumerate(order))):
        if trial.candidate.digest not in marked:
            share = (rank + 1) / len(order)
            width, opacity = next((w, o) for upto, w, o in _SHADES if share <= upto)
            _line(axes, axes_of, trial, color=style.BLUE, linewidth=width, alpha=opacity)
    for trial, look, size, word in marked_trials(record):
        if trial.value is not None:
            _line(
                axes, axes_of, trial, color=look.color, linewidth=2.4, zorder=5, label=word,
                linestyle=look.linestyle, marker=look.marker, markersize=size * 0.75,
                markeredgecolor=style.INK, markeredgewidth=0.7,
            )  # fmt: skip
    handles, labels = axes.get_legend_handles_labels()
    shades = (f"best {_SHADES[0][0]:.0%}", f"to {_SHADES[1][0]:.0%}", "the rest")
    for (_, width, opacity), word in zip(_SHADES, shades, strict=True):
        handles += axes.plot([], [], color=style.BLUE, linewidth=width, alpha=opacity)
        labels.append(word)
    figure.legend(
        handles, labels, loc="upper left", ncols=5, bbox_to_anchor=(0.01, 1.0), borderaxespad=0.1,
        handlelength=2.6, columnspacing=1.4,
    )  # fmt: skip
    return finish(
        figure,
        name="parallel",
        title="All candidates in parallel coordinates",
        caption="From settings over cost to accuracy; a line that ends early is a pruned "
        "candidate. Stronger lines rank higher.",
        alt=f"Parallel coordinates of {len(order)} candidates over "
        + ", ".join(each.name.replace("\n", " ") for each in axes_of)
        + "."
        + "".join(
            f" {word}: {shown_label(trial.candidate.label)}."
            for trial, _, _, word in marked_trials(record)
        ),
        wide=True,
    )


def _axes_of(record: StudyRecord) -> list[Axis]:
    """Axes for settings, costs, and accuracy at each rung (of many, the first and last)."""
    trials = record.trained
    found: list[Axis] = []
    for keys in swept_keys(record)[:_MOST_KEYS]:
        values = {
            trial.candidate.digest: record.setting(trial.candidate, keys[0]) for trial in trials
        }
        found.append(_setting_axis(group_name(keys).replace(" and ", "\nand "), values))
    parameters = {trial.candidate.digest: trial.candidate.parameters for trial in trials}
    macs = {trial.candidate.digest: trial.candidate.macs for trial in trials}
    found += [_scale("parameters", parameters, amount), _scale("MACs", macs, amount)]
    rungs = record.rungs if len(record.rungs) <= 3 else (record.rungs[0], record.rungs[-1])
    for epochs in rungs:
        values = {trial.candidate.digest: trial.at(epochs) for trial in trials}
        known = {digest: 100 * value for digest, value in values.items() if value is not None}
        if known:
            found.append(
                _scale(f"accuracy (%)\nepoch {epochs}", known, lambda v: f"{v:.1f}", log=False)
            )
    return found


def _setting_axis(name: str, values: dict[str, Any]) -> Axis:
    different = {setting_text(value): value for value in values.values()}
    if len(different) > _FEW_NUMBERS and all(map(is_figure, values.values())):
        return _scale(name, values, lambda value: f"{value:.3g}")
    order = sorted(different, key=lambda text: _sort_key(different[text]))
    step = 1 / max(1, len(order) - 1)
    places = {text: at * step for at, text in enumerate(order)}
    every = math.ceil(len(order) / _MOST_VALUES)
    ticks = [
        (places[text], printable(text, longest=16))
        for at, text in enumerate(order)
        if at % every == 0
    ]
    return Axis(name, ticks, lambda trial: places[setting_text(values[trial.candidate.digest])])


def _scale(
    name: str, values: dict[str, Any], show: Callable[[float], str], *, log: bool | None = None
) -> Axis:
    """Scale numbers to [0, 1], logarithmically if the range is wide."""
    low, high = min(values.values()), max(values.values())
    if log is None:
        log = low > 0 and high >= 10 * low
    warp = math.log if log else float
    span = (warp(high) - warp(low)) or 1.0

    def place(value: float) -> float:
        return (warp(value) - warp(low)) / span if high > low else 0.5

    inner = np.geomspace(low, high, 5) if log else np.linspace(low, high, 5)
    ticks = {show(float(value)): place(float(value)) for value in inner}
    known = {digest: place(value) for digest, value in values.items()}
    return Axis(
        name,
        [(at, text) for text, at in ticks.items()],
        lambda trial: known.get(trial.candidate.digest),
    )


def _sort_key(value: Any) -> tuple[int, float, str]:
    """Sort numbers by size, lists by sum, words alphabetically."""
    if is_figure(value):
        return 0, float(value), ""
    if isinstance(value, list) and all(map(is_figure, value)):
        return 1, float(sum(value)), setting_text(value)
    return 2, 0.0, setting_text(value)


def _frame(axes: Axes, axes_of: Sequence[Axis]) -> None:
    axes.set_axis_off()
    axes.set_xlim(-0.15, len(axes_of) - 0.55)
    axes.set_ylim(-0.04, 1.04)
    box = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    for at, each in enumerate(axes_of):
        axes.plot([at, at], [0, 1], color=style.INK, linewidth=1, zorder=4)
        axes.text(at, -0.045, each.name, ha="center", va="top", fontsize=9)
        for place, text in each.ticks:
            axes.text(
                at + 0.05, place, text, ha="left", va="center", fontsize=7.8, zorder=6, bbox=box
            )


def _line(axes: Axes, axes_of: Sequence[Axis], trial: Trial, **look: Any) -> None:
    places = [each.place(trial) for each in axes_of]
    pairs = [(at, place) for at, place in enumerate(places) if place is not None]
    axes.plot([at for at, _ in pairs], [place for _, place in pairs], **look)
