"""Which recipe keys a study varied, and their importance for accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from matplotlib.ticker import MaxNLocator

from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.report.study.words import setting_text, short_key
from thriftnet.search.importance import (
    BEST_SHARE,
    FEWEST,
    Importance,
    importances,
    keys_that_vary,
)
from thriftnet.table import Table, make_table


@dataclass(frozen=True)
class Weighed:
    """Importance of the keys in one stage, and its data."""

    stage: str
    epochs: int
    """Epochs of the compared accuracies."""
    trials: int
    keys: list[tuple[str, ...]]
    found: list[Importance]
    """Empty with too few trials."""


def swept_keys(record: StudyRecord) -> list[tuple[str, ...]]:
    """Keys with several values among trained candidates; those that vary together are grouped."""
    return keys_that_vary(_settings(record, record.trained))


def weigh_keys(record: StudyRecord) -> list[Weighed]:
    """Weigh grid and refinement separately: the refinement samples around the grid's best."""
    first = record.rungs[0]
    gridded = [trial for trial in record.trained if trial.candidate.origin == "grid"]
    refined = [trial for trial in record.trained if trial.refined and trial.whole]
    found: list[Weighed] = []
    for stage, trials, epochs in (("grid", gridded, first), ("refinement", refined, record.full)):
        pairs = [(trial, value) for trial in trials if (value := trial.at(epochs)) is not None]
        settings = _settings(record, [trial for trial, _ in pairs])
        weighed = importances(settings, [value for _, value in pairs])
        found.append(Weighed(stage, epochs, len(pairs), keys_that_vary(settings), weighed))
    return found


def too_little(weighed: Weighed) -> str:
    """Why a stage has no importances; empty if it has."""
    if weighed.found:
        return ""
    if weighed.trials < FEWEST:
        return (
            f"Importance of the {weighed.stage}'s keys is not shown: {weighed.trials} trials have "
            f"an accuracy, and at least {FEWEST} are needed."
        )
    return f"No key varies among the {weighed.trials} trials of the {weighed.stage}."


def draw_importance(weighed: Weighed) -> Drawing | None:
    """Draw a bar per key, with its length by chance; None with too few trials."""
    if not weighed.found:
        return None
    names = [group_name(each.keys) for each in weighed.found]
    axes = style.named_rows([printable(name, longest=26) for name in names])
    places = range(len(names))
    axes.barh(places, [each.value for each in weighed.found], 0.55, color=style.BLUE, label="found")
    # Dark within light: seen on a bar and beside it, without colour too.
    for width, colour, label in ((6, style.PAPER, ""), (2.4, style.INK, "95% of shuffled")):
        axes.plot(
            [each.chance for each in weighed.found], places, linestyle="none", marker="|",
            markersize=13, markeredgewidth=width, color=colour, label=label,
        )  # fmt: skip
    axes.set_xlabel("importance (Pearson divergence)")
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    legend_on_top(axes)
    clear = [
        name for name, each in zip(names, weighed.found, strict=True) if each.value > each.chance
    ]
    told = ", ".join(clear) if clear else "none of them"
    return finish(
        axes,
        name=f"importance-{weighed.stage}",
        title=f"Importance in the {weighed.stage}",
        caption=f"PED-ANOVA over {weighed.trials} trials, all after {weighed.epochs} "
        f"epoch{'s' if weighed.epochs > 1 else ''}: how far the values of a key among the best "
        f"{BEST_SHARE:.0%} differ from its values in all trials. "
        "Above the level of shuffled accuracies: "
        f"{told}.",
        alt=f"Importance of {len(names)} keys over {weighed.trials} trials: "
        + "; ".join(
            f"{name} {each.value:.3f}, by chance up to {each.chance:.3f}"
            for name, each in zip(names, weighed.found, strict=True)
        )
        + ".",
    )


def values_table(record: StudyRecord) -> Table:
    """Table of the grid's values with their mean accuracy at the first rung."""
    epochs = record.rungs[0]
    pairs = [
        (trial, value)
        for trial in record.trained
        if trial.candidate.origin == "grid" and (value := trial.at(epochs)) is not None
    ]
    rows: list[tuple[object, ...]] = []
    for key in record.space.grid:
        for value in record.space.grid[key]:
            own = [found for t, found in pairs if record.setting(t.candidate, key) == value]
            reached = (fmean(own), max(own)) if own else (None, None)
            rows.append((key, setting_text(value), len(own), *reached))
    columns = (
        "key", "value", "candidates", (f"mean accuracy, epoch {epochs}", ".2%"), ("best", ".2%"),
    )  # fmt: skip
    return make_table(columns, rows, title="Values of the grid", folded=True)


def group_name(keys: Sequence[str]) -> str:
    """Short name of keys that vary together."""
    names = [short_key(key) for key in keys]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _settings(record: StudyRecord, trials: Sequence[Trial]) -> list[dict[str, object]]:
    """Values per trial of all keys that some candidate changed."""
    keys = dict.fromkeys(key for trial in trials for key in trial.candidate.changes)
    return [{key: record.setting(trial.candidate, key) for key in keys} for trial in trials]
