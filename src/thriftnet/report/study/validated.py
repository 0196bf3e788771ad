"""Results of the validation: seeds, means, intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thriftnet.comparison.sentences import show_p
from thriftnet.comparison.statistics import ALPHA, estimate
from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.words import REFERENCE_MARK, named, shown_label
from thriftnet.table import Cell, Table, make_table, points

Seeds = dict[int, float]


def seed_values(record: StudyRecord) -> dict[str, Seeds]:
    """Validation accuracy by seed of each contender with a result.

    The best mean comes first; contenders that lack a seed come last.
    """
    found: dict[str, Seeds] = {}
    for row in record.snapshot.jobs["validation"]:
        if row.value is not None:
            found.setdefault(row.job.candidate, {})[row.job.seed] = row.value
    means = {digest: estimate(list(values.values())).mean for digest, values in found.items()}
    order = sorted(found, key=lambda digest: (-len(found[digest]), -means[digest], digest))
    return {digest: found[digest] for digest in order}


def draw_validation(record: StudyRecord) -> Drawing | None:
    """Draw seeds, mean and interval; None before one finished."""
    found = seed_values(record)
    if not found:
        return None
    height = 0.8 + 0.66 * len(found)
    axes = style.new_axes(height=height)
    axes.set_position((0.05, 0.52 / height, 0.91, 1 - 0.66 / height))
    axes.set_ylim(len(found) - 0.6, -0.6)
    axes.set_yticks([])
    for place, values in enumerate(found.values()):
        told = estimate(list(values.values()))
        mean, reach = 100 * told.mean, 100 * (told.half_width or 0)
        if reach:
            axes.plot(
                [mean - reach, mean + reach], [place, place], color=style.BLUE, linewidth=2.2,
                label=f"{'_' if place else ''}95% interval of the mean",
            )  # fmt: skip
        axes.plot([mean, mean], [place - 0.2, place + 0.2], color=style.INK, linewidth=2.4)
        axes.plot(
            [100 * value for value in values.values()], [place + 0.1] * len(values),
            linestyle="none", marker="o", markersize=6, color=style.ORANGE,
            markeredgecolor=style.INK, markeredgewidth=0.7, label=f"{'_' if place else ''}one seed",
            zorder=4,
        )  # fmt: skip
    for place, (digest, values) in enumerate(found.items()):  # above its row, as names are long
        axes.annotate(
            _row_name(record, digest, len(values)), (0, place - 0.3),
            xycoords=axes.get_yaxis_transform(), xytext=(3, 0), textcoords="offset points",
            va="bottom", fontsize=8.4,
            bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    epochs = record.space.validation.epochs
    axes.set_xlabel(f"validation top-1 accuracy (%), epoch {epochs}")
    axes.grid(visible=False, axis="y")
    legend_on_top(axes)
    counts = sorted({len(values) for values in found.values()})
    seeds = " to ".join(map(str, {counts[0]: 0, counts[-1]: 0}))
    told = "; ".join(
        f"{shown_label(record.trials[digest].candidate.label)}: mean "
        f"{estimate(list(values.values())).mean:.2%} of {len(values)} seeds"
        for digest, values in found.items()
    )
    return finish(
        axes,
        name="validation",
        title="Validation by seed",
        caption=f"{epochs} epochs with {seeds} seeds each; the vertical bar is the mean. The "
        "interval is from a t distribution over seeds.",
        alt=f"Validation accuracy by seed. {told}.",
    )


def validation_table(record: StudyRecord) -> Table | None:
    """Table of means and tests; None before the validation is done."""
    ranking = record.outcome("validation").get("ranking", [])
    if not ranking:
        return None
    rows: list[tuple[Any, ...]] = []
    for place, entry in enumerate(ranking, start=1):
        test = entry["winner_less_this"] or {}
        rows.append(
            (
                place,
                Cell(named(entry), strong=place == 1 or bool(entry["reference"])),
                entry["mean"],
                entry["half_width"],
                ", ".join(f"{value:.2%}" for value in entry["seeds"].values()),
                *map(test.get, ("difference", "half_width", "test", "p", "p_holm")),
                entry["parameters"],
            )
        )
    columns = (
        "rank", "candidate", ("mean", ".2%"), ("± points", _reach), "seeds",
        ("winner − this", points), ("±", _reach), "test", ("p", ".3g"), ("p by Holm", ".3g"),
        "parameters",
    )  # fmt: skip
    return make_table(columns, rows, title="Contenders")


def verdict_sentences(record: StudyRecord) -> list[str]:
    """Sentences on the winner's accuracy and whether it is significantly better."""
    outcome = record.outcome("validation")
    ranking = outcome["ranking"]
    first, seeds = ranking[0], len(ranking[0]["seeds"])
    reach = first["half_width"]
    width = "" if reach is None else f" ± {100 * reach:.2f} points (95% interval)"
    found = [
        f"Its validation accuracy is {first['mean']:.2%}{width}, the mean of {seeds} seeds "
        f"after {outcome['epochs']} epochs."
    ]
    others = ranking[1:]
    reference = next((entry for entry in others if entry["reference"]), None)
    if first["reference"]:
        found.append("It is the reference itself.")
    if reference and others[0] is reference:
        found.append(_against(reference, "the runner-up, the reference", seeds))
    else:
        if others:
            found.append(_against(others[0], "the runner-up", seeds))
        if reference:
            found.append(_against(reference, "the reference", seeds))
    if not others:
        found.append("There is no other candidate to compare it with.")
    found += [
        f"Not ranked because a seed failed: {named(entry)}."
        for entry in outcome.get("unfinished", ())
    ]
    return found


def _against(entry: Mapping[str, Any], name: str, seeds: int) -> str:
    test = entry["winner_less_this"]
    ahead = f"{100 * test['difference']:.2f}"
    if test["half_width"] is not None:
        ahead += f" ± {100 * test['half_width']:.2f}"
    if test["p"] is None:
        return f"It is {ahead} points ahead of {name}; no test is possible."
    p = test["p_holm"] if test["p_holm"] is not None else test["p"]
    evidence = f"{test['test']}, n = {seeds} seeds, {show_p(p)} by Holm's correction"
    if p < ALPHA:
        return f"It is {ahead} points better than {name} ({evidence})."
    return f"It is {ahead} points ahead of {name}, which is not significant ({evidence})."


def _row_name(record: StudyRecord, digest: str, seeds: int) -> str:
    candidate, wanted = record.trials[digest].candidate, len(record.space.validation.seeds)
    mark = f"{REFERENCE_MARK}: " if candidate.reference else ""
    lacks = f" ({seeds} of {wanted} seeds)" if seeds < wanted else ""
    return printable(mark + shown_label(candidate.label), longest=66 - len(lacks)) + lacks


def _reach(half_width: float) -> str:
    return f"±{100 * half_width:.2f}"
