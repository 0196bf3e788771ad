"""Draws accuracy against cost: parameters, multiply-accumulates, training operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top, mark_point, marked_trials, write_words
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.report.study.words import shown_label
from thriftnet.search.stages.pareto import pareto
from thriftnet.table import amount

_WIDE = 8
"""Ratio of costs from which the axis is logarithmic."""


@dataclass(frozen=True)
class Cost:
    """A measure of cost."""

    name: str
    title: str
    quantity: str
    of: Callable[[Trial], float | None]
    cap: Callable[[StudyRecord], int | None]


COSTS = (
    Cost(
        "pareto-parameters",
        "Accuracy against parameters",
        "trainable parameters",
        lambda trial: trial.candidate.parameters,
        lambda record: record.space.max_parameters,
    ),
    Cost(
        "pareto-macs",
        "Accuracy against multiply-accumulates",
        "MACs per image",
        lambda trial: trial.candidate.macs,
        lambda record: record.space.max_macs,
    ),
    Cost(
        "pareto-operations",
        "Accuracy against training operations",
        "operations per epoch of training (FLOP)",
        lambda trial: trial.operations,
        lambda _: None,
    ),
)


def draw_tradeoffs(record: StudyRecord) -> list[Drawing]:
    """Draw one figure per cost; none before any training."""
    return [_draw(record, cost) for cost in COSTS] if record.trained else []


def pareto_front(trials: list[Trial], cost: Callable[[Trial], float | None]) -> list[Trial]:
    """Candidates that none beats in both accuracy and cost, cheapest first."""
    points = {
        trial.candidate.digest: (-trial.value, paid)
        for trial in trials
        if trial.value is not None and (paid := cost(trial)) is not None
    }
    kept = pareto(points)
    front = [trial for trial in trials if trial.candidate.digest in kept]
    return sorted(front, key=lambda trial: (cost(trial), -(trial.value or 0.0)))


def _draw(record: StudyRecord, cost: Cost) -> Drawing:
    axes = style.new_axes(height=3.5)
    last = max(trial.reached for trial in record.trained)
    ends = [trial for trial in record.trained if trial.reached == last]
    names = _points(axes, record, cost, last)
    front = pareto_front(ends, cost.of)
    axes.step(
        [cost.of(trial) or 0 for trial in front], [100 * (t.value or 0) for t in front],
        where="post", color=style.BLUE, linewidth=1.4, label="Pareto front", zorder=2,
    )  # fmt: skip
    chosen = record.outcome("validation")
    means = {entry["candidate"]: entry["mean"] for entry in chosen.get("ranking", [])}
    words: list[tuple[tuple[float, float], str]] = []
    for trial, look, size, word in marked_trials(record):
        paid, value = cost.of(trial), means.get(trial.candidate.digest, trial.value)
        if value is not None and paid is not None:
            at = (float(paid), 100 * value)
            mark_point(axes, at, look, size, word)
            words.append((at, word))
    said = _limits(axes, record, cost)
    axes.set_xlabel(cost.quantity)
    axes.set_ylabel("validation top-1 accuracy (%)")
    axes.margins(x=0.08, y=0.12)
    legend_on_top(axes)
    write_words(axes, words)
    sooner = len(record.trained) - len(ends)
    told = [f"Filled points: accuracy after {last} epochs."]
    if sooner:
        starred = record.reference in record.trained and record.reference not in ends
        among = ", the reference among them" if starred and not means else ""
        ones = "hollow one" if sooner == 1 else f"{sooner} hollow ones"
        told.append(f"The {ones} ended earlier{among}.")
    told.append(f"Pareto front: {len(front)} of the {len(ends)} filled points.")
    if means:
        told.append(
            f"Named candidates are at their mean over seeds after the {chosen['epochs']} epochs of "
            "the validation, which chose the winner."
        )
    reference = record.reference
    if reference and reference.candidate.refused:
        told.append("The reference is over budget and was never trained.")
    elif reference and reference.value is None:
        told.append("The reference has not been trained yet.")
    return finish(
        axes,
        name=cost.name,
        title=cost.title,
        caption=" ".join([*told, said]).strip(),
        alt=f"{cost.title} of {len(record.trained)} candidates. Pareto front: "
        + ", ".join(f"{t.value or 0:.2%} at {amount(cost.of(t) or 0)}" for t in front)
        + ". "
        + "; ".join(f"{word}: {y:.2f}% at {amount(x)}" for (x, y), word in words)
        + ".",
        details=names,
    )


def _points(axes: Axes, record: StudyRecord, cost: Cost, last: int) -> dict[str, list[str]]:
    """Candidates by how far they went, the grid's and the refined ones apart; their names."""
    hollow = ("o", "^", "v", "<", ">", "p")
    sooner = sorted({trial.reached for trial in record.trained} - {last})
    names: dict[str, list[str]] = {}
    for shape, epochs in zip(hollow, sooner, strict=False):
        chosen = [trial for trial in record.trained if trial.reached == epochs]
        label = f"after epoch {epochs}"
        names[label] = _scatter(axes, chosen, cost, style.MUTED, shape, label, filled=False)
    ends = [trial for trial in record.trained if trial.reached == last]
    kinds = (
        (f"grid, epoch {last}", style.BLUE, "o", [t for t in ends if not t.refined]),
        (f"refined, epoch {last}", style.GREEN, "s", [t for t in ends if t.refined]),
    )
    for label, colour, shape, chosen in kinds:
        names[label] = _scatter(axes, chosen, cost, colour, shape, label)
    return names


def _scatter(
    axes: Axes, trials: list[Trial], cost: Cost, colour: str, shape: str, label: str,
    *, filled: bool = True,
) -> list[str]:  # fmt: skip
    """The names of the candidates that are drawn."""
    found = [(cost.of(t), t) for t in trials if t.value is not None]
    kept = [(x, 100 * (t.value or 0), shown_label(t.candidate.label)) for x, t in found if x]
    if kept:
        axes.plot(
            [x for x, _, _ in kept], [y for _, y, _ in kept], linestyle="none", marker=shape,
            color=colour, markersize=6 if filled else 4.5, label=label, zorder=4 if filled else 3,
            markerfacecolor=colour if filled else "none", markeredgewidth=0.9,
        )  # fmt: skip
    return [name for _, _, name in kept]


def _limits(axes: Axes, record: StudyRecord, cost: Cost) -> str:
    """Draw the budget as a line and candidates over it as ticks; returns the caption."""
    cap = cost.cap(record)
    over: list[float] = []
    if cap is not None:
        axes.axvline(
            cap, color=style.VERMILLION, linestyle=(0, (6, 2)), linewidth=1.4,
            label=f"budget, {amount(cap)}",
        )  # fmt: skip
        found = [cost.of(t) for t in record.trials.values() if t.candidate.refused]
        over = [paid for paid in found if paid is not None and paid > cap]
    if over:
        axes.plot(
            over, [0.025] * len(over), linestyle="none", marker="|", markersize=8,
            color=style.VERMILLION, label=f"{len(over)} over budget",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    low, high = axes.get_xlim()
    xs = [paid for trial in record.trained if (paid := cost.of(trial))] + over
    if xs and max(xs) > _WIDE * min(xs):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    return "Ticks below are candidates over budget, never trained." if over else ""


def _tick(value: float, _position: int | None) -> str:
    return amount(value)
