"""Draws the learning rate by step, with the phases of its schedule."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from thriftnet.optim.schedules import build_schedule
from thriftnet.recipe.sections import ScheduleSection
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import RunRecord
from thriftnet.report.training.changes import caption, find_changes, mark_changes

_POINTS = 400
"""Of the line; more cannot be seen."""

_DECAYS = {"warmup_cosine": "cosine decay", "linear": "linear decay", "one_cycle": "cosine decay"}


def draw_learning_rate(record: RunRecord) -> Drawing | None:
    """Draw the recipe's schedule and the recorded rates; None without a plan."""
    epochs, total = record.epoch_plan(), record.total_steps
    if epochs is None or total < 1:
        return None
    section, peak = record.recipe.schedule, record.recipe.optim.lr
    schedule = build_schedule(steps_per_epoch=epochs.full_steps, **section.model_dump())
    steps = np.unique(np.linspace(0, total - 1, _POINTS).astype(int))
    rates = [peak * schedule(int(step), total) for step in steps]

    axes = style.new_axes(legend_rows=2)
    parts = schedule_parts(section, steps_per_epoch=epochs.full_steps, total=total)
    for number, (name, first, last) in enumerate(parts):
        rising = number == 0 and len(parts) > 1
        axes.axvspan(
            first, last, facecolor="none" if rising else style.PANEL, edgecolor=style.FAINT,
            linewidth=0.8, hatch="////" if rising else None, label=f"{name}: {first:,}–{last:,}",
        )  # fmt: skip
    axes.plot(steps, rates, color=style.BLUE, label="schedule")
    # A line has the rate of its epoch's last step.
    told = [(e["step"] - 1, e["learning_rate"]) for e in record.epochs if "learning_rate" in e]
    if told:
        axes.plot(
            *zip(*told, strict=True), linestyle="none", marker="o", markerfacecolor="none",
            color=style.VERMILLION, label="as logged",
        )  # fmt: skip
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel("learning rate")
    axes.set_xlim(0, total)
    axes.set_ylim(bottom=0)
    changes = find_changes(record.recipe)
    mark_changes(axes, changes, [epochs.first_step(change.after) for change in changes])
    style.legend_above(axes, columns=2)
    words = "; ".join(f"{name} over steps {first:,} to {last:,}" for name, first, last in parts)
    return finish(
        axes,
        name="learning-rate",
        title="Learning rate",
        caption=f"Peak {peak:g} (optim.lr) times the schedule {section.name}, updated every "
        f"{section.interval}; {epochs.full_steps:,} steps per epoch over all images. "
        f"Rings are the rates logged at the ends of epochs. {caption(changes)}"
        + _other_rates(record)
        + _other_end(record),
        alt=f"Learning rate by step: {words}; from {rates[0]:.3g} over a "
        f"maximum of {max(rates):.3g} to {rates[-1]:.3g}.",
    )


def schedule_parts(
    section: ScheduleSection, *, steps_per_epoch: int, total: int
) -> list[tuple[str, int, int]]:
    """Name, first and last step of each phase, up to the end of the run."""
    rise = min(total, round(section.warmup_epochs * steps_per_epoch))
    if section.name == "constant":
        return [("constant", 0, total)]
    if section.name == "step_decay":
        every, factor = section.decay_epochs, section.decay_factor
        return [(f"×{factor:g} every {every:g} epochs", 0, total)]
    end = total
    if section.cosine_epochs is not None:
        end = min(total, rise + round(section.cosine_epochs * steps_per_epoch))
    rising = "cosine rise" if section.name == "one_cycle" else "warm-up"
    parts = [(rising, 0, rise), (_DECAYS[section.name], rise, end), ("floor", end, total)]
    return [part for part in parts if part[2] > part[1]]


def _other_rates(record: RunRecord) -> str:
    optim = record.recipe.optim
    if optim.bias_lr is None or optim.head_lr is None:  # only Muon has them
        return ""
    return (
        f" The same factor scales biases and norms (peak {optim.bias_lr:g}) and the head "
        f"(peak {optim.head_lr:g})."
    )


def _other_end(record: RunRecord) -> str:
    planned = int(record.start.get("steps", 0))
    if record.total_steps == planned:
        return ""
    if record.recipe.train.patience:
        return (
            f" Training stopped early, at step {record.total_steps:,} of {planned:,}: validation "
            f"accuracy had not improved for {record.recipe.train.patience} epochs."
        )
    return (
        f" {planned:,} steps were planned and {record.total_steps:,} were run; a time budget moves "
        "the schedule during training, so earlier rings may be off the curve."
    )
