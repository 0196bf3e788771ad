"""Draws successive halving: candidates per rung, and accuracy by epoch."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import MaxNLocator

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top, marked_trials
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.report.study.words import shown_label
from thriftnet.report.training.curves import label_epochs


def draw_halving(record: StudyRecord) -> list[Drawing]:
    """Draw counts per rung and curves; empty before any training."""
    if not any(trial.rows for trial in record.trials.values()):
        return []
    drawn = [_draw_rungs(record)]
    return [*drawn, _draw_curves(record)] if record.trained else drawn


def rung_counts(record: StudyRecord) -> list[tuple[int, int, int, int]]:
    """(epochs, finished, failed or running, promoted) candidates per rung."""
    rows = record.snapshot.jobs["grid"]
    found: list[tuple[int, int, int, int]] = []
    for place, epochs in enumerate(record.rungs):
        own = [row for row in rows if row.job.epochs == epochs]
        through = sum(row.value is not None for row in own)
        after = record.rungs[place + 1] if place + 1 < len(record.rungs) else None
        went_on = sum(row.job.epochs == after for row in rows)
        found.append((epochs, through, len(own) - through, went_on))
    return found


def _draw_rungs(record: StudyRecord) -> Drawing:
    counts = rung_counts(record)
    axes = style.new_axes(height=3.2)
    places = range(len(counts))
    on = [went_on for _, _, _, went_on in counts]
    stayed = [through - went_on for _, through, _, went_on in counts]
    stayed = [max(0, number) for number in stayed]
    others = [rest for _, _, rest, _ in counts]
    axes.bar(places, on, 0.6, color=style.BLUE, label="continued")
    last = len(counts) - 1
    word = "ended or pruned" if record.done("grid") else "not promoted (yet)"
    axes.bar(
        places, stayed, 0.6, bottom=on, facecolor=style.SKY, edgecolor=style.MUTED, hatch="///",
        linewidth=0, label=word,
    )  # fmt: skip
    if any(others):
        tops = [a + b for a, b in zip(on, stayed, strict=True)]
        axes.bar(
            places, others, 0.6, bottom=tops, facecolor="none", edgecolor=style.INK, hatch="xx",
            linewidth=0.8, label=_unfinished(record),
        )  # fmt: skip
    for place, (_, through, rest, went_on) in enumerate(counts):
        text = f"{through + rest}" if place == last else f"{through + rest}, {went_on} promoted"
        axes.annotate(
            text, (place, max(through, went_on) + rest), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip
    axes.set_xticks(list(places), [f"epoch {epochs}" for epochs, *_ in counts])
    axes.set_xlabel("rung")
    axes.set_ylabel("candidates")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.14)
    legend_on_top(axes)
    eta = record.space.halving.eta
    over = record.snapshot.over_budget
    return finish(
        axes,
        name="rungs",
        title="Candidates at each rung",
        caption=f"Of {len(record.snapshot.competing)} candidates within budget"
        + (f" ({over} more are over it)" if over else "")
        + f"; about one in {eta} of a rung continues.",
        alt="Candidates at each rung of the halving. "
        + "; ".join(
            f"epoch {epochs}: {through + rest}, of which {went_on} continued"
            for epochs, through, rest, went_on in counts
        )
        + ".",
    )


def _unfinished(record: StudyRecord) -> str:
    """Name for the grid's jobs without an accuracy."""
    states = {row.state for row in record.snapshot.jobs["grid"]} - {"finished"}
    words = {"failed": "failed", "running": "running", "released": "stopped"}
    return " or ".join(word for state, word in words.items() if state in states)


def _draw_curves(record: StudyRecord) -> Drawing:
    axes = style.new_axes(height=3.2)
    marked = marked_trials(record)
    special = {trial.candidate.digest for trial, *_ in marked}
    done = record.done("grid")
    words = {True: "whole schedule", False: "pruned" if done else "not promoted (yet)"}
    shared: dict[str, Any] = {"markevery": [-1], "markersize": 4}
    looks: dict[bool, dict[str, Any]] = {
        True: {"color": style.BLUE, "linewidth": 1.3, "alpha": 0.9, "marker": "o", "zorder": 3},
        False: {"color": style.MUTED, "linewidth": 0.9, "alpha": 0.55, "marker": "x", "zorder": 2},
    }
    for trial in record.trained:
        if trial.candidate.digest in special:
            continue
        epochs, values = _curve(trial)
        axes.plot(
            epochs,
            values,
            label=f"_{shown_label(trial.candidate.label)}",
            **shared,
            **looks[trial.whole],
        )
    for whole in {trial.whole for trial in record.trained if trial.candidate.digest not in special}:
        axes.plot([], [], label=words[whole], **shared, **looks[whole])
    for trial, look, size, word in marked:
        epochs, values = _curve(trial)
        if values:
            axes.plot(
                epochs, values, color=look.color, linestyle=look.linestyle, marker=look.marker,
                markersize=size * 0.8, markevery=[-1], linewidth=2, label=word, zorder=5,
                clip_on=False,
            )  # fmt: skip
    label_epochs(axes, "validation top-1 accuracy (%)")
    legend_on_top(axes)
    whole = [trial for trial in record.trained if trial.whole]
    best = max((trial.value or 0 for trial in whole), default=None)
    return finish(
        axes,
        name="learning-curves",
        title="Accuracy by epoch",
        caption="Grid and refinement, one line per candidate; all follow the schedule of "
        f"{record.full} epochs, so a line that ends early was paused.",
        alt=f"Validation accuracy by epoch of {len(record.trained)} candidates; {len(whole)} went "
        f"through all {record.full} epochs"
        + (f", the best to {best:.2%}." if best is not None else "."),
    )


def _curve(trial: Trial) -> tuple[list[int], list[float]]:
    both = {**trial.curve, **trial.values}
    epochs = sorted(epoch for epoch in both if epoch <= trial.reached)
    return epochs, [100 * both[epoch] for epoch in epochs]
