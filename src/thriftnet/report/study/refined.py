"""Proposals of the refinement and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.report.study.words import REFERENCE_MARK, setting_text, short_key, shown_label
from thriftnet.table import Table, amount, make_table, points


@dataclass(frozen=True)
class Proposed:
    """A candidate of the refinement and its origin."""

    trial: Trial
    name: str
    """Number and origin: `2  shift 3→1` or `4  TPE`."""
    source: str
    """Origin in words."""


def proposals(record: StudyRecord) -> list[Proposed]:
    """Proposals in training order, then those over budget."""
    shifts = {shift["candidate"]: shift for shift in record.outcome("refinement").get("shifts", [])}
    trained = [row.job.candidate for row in record.snapshot.jobs["refinement"]]
    refused = [
        digest
        for digest, trial in record.trials.items()
        if trial.candidate.origin == "refinement" and digest not in trained
    ]
    found: list[Proposed] = []
    for number, digest in enumerate([*trained, *refused], start=1):
        trial, shift = record.trials[digest], shifts.get(digest)
        if shift:
            way = f"{shift['from_stage']}→{shift['to_stage']}"
            name = f"{number}  shift {way}"
            source = f"capacity moved from stage {shift['from_stage']} to {shift['to_stage']}"
        elif "optim.lr" in _changed(record, trial) or record.done("refinement"):
            name, source = f"{number}  TPE", "proposed by TPE"
        else:
            name, source = f"{number}  proposed", "capacity moved, or proposed by TPE"
        found.append(Proposed(trial, name, source))
    return found


def base_trial(record: StudyRecord) -> Trial | None:
    """The grid's best, the base of the refinement."""
    whole = [trial for trial in record.ranked if trial.candidate.origin == "grid"]
    gridded = [trial for trial in whole if any(r.job.stage == "grid" for r in trial.rows)]
    digest = record.outcome("refinement").get("base", {}).get("candidate")
    return record.trials.get(digest, next(iter(gridded), None))


def draw_refinement(record: StudyRecord) -> Drawing | None:
    """Draw each refined candidate beside its base; None before one was trained."""
    shown = [each for each in proposals(record) if each.trial.value is not None]
    base = base_trial(record)
    if not shown or base is None or base.value is None:
        return None
    axes = style.named_rows([each.name for each in shown], row=0.3)
    start = 100 * base.value
    axes.axvline(
        start, color=style.INK, linestyle="-", linewidth=1.3, label=f"grid's best, {start:.2f}%"
    )
    reference = record.reference
    if reference and reference.whole and reference.value is not None and reference is not base:
        axes.axvline(
            100 * reference.value, color=style.VERMILLION, linestyle="--", linewidth=1.5,
            label=f"{REFERENCE_MARK}, {100 * reference.value:.2f}%",
        )  # fmt: skip
    for place, each in enumerate(shown):
        value = 100 * (each.trial.value or 0)
        shift = "shift" in each.name
        axes.plot([start, value], [place, place], color=style.MUTED, linewidth=1.2, zorder=2)
        label = "capacity moved" if shift else "proposed by TPE"
        known = axes.get_legend_handles_labels()[1]
        axes.plot(
            [value], [place], linestyle="none", marker="s" if shift else "o", markersize=7,
            color=style.GREEN if shift else style.BLUE, zorder=3,
            label=f"_{label}" if label in known else label,
        )  # fmt: skip
    axes.set_xlabel(f"validation top-1 accuracy (%), epoch {record.full}")
    axes.margins(x=0.08)
    legend_on_top(axes)
    best = max(shown, key=lambda each: each.trial.value or 0)
    gain = 100 * ((best.trial.value or 0) - base.value)
    return finish(
        axes,
        name="refinement",
        title="Results of the refinement",
        caption=f"{len(shown)} candidates around the grid's best "
        f"({shown_label(base.candidate.label)}), numbered as in the table. The best is "
        f"number {best.name.split()[0]}: {gain:+.2f} points. All have one seed, "
        "so the best is partly luck; the validation decides.",
        alt=f"Validation accuracy of {len(shown)} refined candidates vs. {start:.2f}% of the "
        "grid's best. " + "; ".join(f"{e.name} {e.trial.value or 0:.2%}" for e in shown) + ".",
    )


def refinement_table(record: StudyRecord) -> Table | None:
    """Table of proposals with their changes; None without proposals."""
    found = proposals(record)
    base = base_trial(record)
    if not found:
        return None
    rows: list[tuple[Any, ...]] = []
    for number, each in enumerate(found, start=1):
        value = each.trial.value
        gain = None if value is None or not base or base.value is None else value - base.value
        changed = _changed(record, each.trial)
        candidate = each.trial.candidate
        rows.append(
            (
                *(number, each.source, value, gain, candidate.parameters, candidate.macs),
                each.trial.standing(grid_done=True),
                " · ".join(f"{short_key(key)} {text}" for key, text in changed.items()) or None,
            )
        )
    columns = (
        "number", "comes from", (f"epoch {record.full}", ".2%"), ("gain (points)", points),
        ("parameters", amount), ("MACs", amount), "state", "changes",
    )  # fmt: skip
    return make_table(columns, rows, title="Proposals of the refinement")


def _changed(record: StudyRecord, trial: Trial) -> dict[str, str]:
    """Keys that differ from the grid's best."""
    base = base_trial(record)
    if base is None:
        return {}
    found: dict[str, str] = {}
    for key in trial.candidate.changes:
        own = setting_text(record.setting(trial.candidate, key))
        if own != setting_text(record.setting(base.candidate, key)):
            found[key] = own
    return found
