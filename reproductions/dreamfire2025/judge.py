"""Whether a claim of the paper held, from the results that decide it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from reproductions.dreamfire2025.authors_log import read_authors_log
from reproductions.dreamfire2025.claims import Claim, read_claims
from reproductions.dreamfire2025.results import Results, Run, SgdAgainstAdamW
from thriftnet.comparison.labels import count_seeds
from thriftnet.comparison.sentences import show_p
from thriftnet.comparison.statistics import ALPHA, compare_seeds, estimate, seeds_needed
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.recipe import load_recipe

Verdict = Literal[
    "held",
    "held at fewer epochs only",
    "understated",
    "did not hold",
    "could not be measured",
    "not measured yet",
]
MARKS: dict[Verdict, str] = {
    "held": "✓",
    "held at fewer epochs only": "◐",
    "understated": "↑",
    "did not hold": "✗",
    "could not be measured": "–",
    "not measured yet": "…",
}
"""In the order in which they are counted."""

RULES: dict[str, tuple[str, Callable[[float, float, float], bool]]] = {
    "at_least": ("held if {it} reaches the claim", lambda v, claim, by: v >= claim - by),
    "at_most": ("held if {it} does not pass the claim", lambda v, claim, by: v <= claim + by),
    "equals": ("held if {it} is the claim as rounded", lambda v, claim, by: abs(v - claim) <= by),
}
"""Of one figure: what is said of the rule, and the rule by value, claim and tolerance."""

_TEST_IMAGES = 10_000
"""Of CIFAR-10."""


@dataclass(frozen=True)
class Judged:
    """A claim and what became of it."""

    claim: Claim
    verdict: Verdict
    here: str
    """What was measured; a dash where nothing was."""
    decided: str
    """By what: file, key and rule, or why not."""
    epochs: float | None = None
    """That the runs had, where the paper's had more."""

    @property
    def words(self) -> str:
        """The verdict as it is shown."""
        if self.epochs is None:
            return self.verdict
        return self.verdict.replace("fewer", f"{self.epochs:g}")

    @property
    def paper(self) -> str:
        """The claimed figure as the paper would write it."""
        claim = self.claim
        return "–" if claim.claimed is None else show(claim, claim.claimed)

    @property
    def command(self) -> str:
        """What would measure it; empty if it was measured, or cannot be."""
        return self.claim.command if self.verdict == "not measured yet" else ""


def judge_all(results: Results) -> dict[str, Judged]:
    """Every claim by its name, in the order of the paper."""
    return {claim.name: judge(claim, results) for claim in read_claims().every()}


def judge(claim: Claim, results: Results) -> Judged:
    """Decide a claim by the results that there are."""
    if claim.rule == "cannot":
        return Judged(claim, "could not be measured", "–", claim.because)
    if claim.rule == "ahead":
        return _judge_order(claim, results)
    if claim.file == "runs":
        return _judge_runs(claim, results)
    log = claim.file == "authors-log"
    found = read_authors_log() if log else results.files.get(claim.file)
    where = f"{claim.file}.csv" if log else f"results/{claim.file}.json"
    told, holds = RULES[claim.rule]
    rule = f"Decided by {claim.key} in {where}; {told.format(it='it')}."
    if found is None:
        return Judged(claim, "not measured yet", "–", rule)
    value = _value(found, claim.key)
    assert claim.claimed is not None
    verdict: Verdict = "held" if holds(value, claim.claimed, claim.within) else "did not hold"
    if verdict != "held" and claim.larger_is_better and value > claim.claimed:
        verdict = "understated"
        rule += " A higher value is better than claimed."
    here = show(claim, value)
    detail = f"{claim.detail.format(f=found)}. " if claim.detail else ""
    words = f"{detail[:1].upper()}{detail[1:]}{rule}"
    return Judged(claim, verdict, here, words)


def show(claim: Claim, value: float) -> str:
    """A figure of a claim's kind."""
    if claim.form == "count":
        return f"{value:,.0f}"
    text = f"{value:.4g}" if claim.form == "number" else f"{100 * value:.4g}"
    unit = {"percent": "%", "points": " points"}.get(claim.form, "")
    return text.replace("-", "−") + unit


def runs_of(results: Results, recipe: str) -> list[Run]:
    """The trained runs of a recipe, by seed."""
    return sorted((r for r in results.runs if r.recipe == recipe), key=lambda run: run.seed)


def _value(found: object, key: str) -> float:
    """A dotted key of a file; its last part may be the key of a dictionary."""
    first, _, rest = key.partition(".")
    value = attrgetter(first)(found)
    return float(value[rest] if rest else value)


def _judge_runs(claim: Claim, results: Results) -> Judged:
    """By the mean over seeds; what only its 95% interval reaches, these runs cannot tell.

    For one seed the interval is that of the images.
    """
    told, holds = RULES[claim.rule]
    where = f"Decided by the mean {claim.key} over runs of {claim.recipe}; {told.format(it='it')}"
    runs = runs_of(results, claim.recipe)
    values = [float(v) for run in runs if (v := getattr(run, claim.key)) is not None]
    if not values or claim.claimed is None:
        old = " Its runs have other settings." if claim.recipe in results.outdated else ""
        return Judged(claim, "not measured yet", "–", f"{where}.{old}")
    found = estimate(values)
    half = found.half_width
    if half is None and claim.form == "percent":
        low, high = wilson_interval(round(found.mean * _TEST_IMAGES), _TEST_IMAGES)
        half = (high - low) / 2
    mean = f"{100 * found.mean:.2f}%" if claim.form == "percent" else show(claim, found.mean)
    if half is not None:
        mean += f" ± {100 * half:.2f}" if claim.form == "percent" else f" ± {half:.2g}"
    verdict: Verdict = "held" if holds(found.mean, claim.claimed, 0.0) else "did not hold"
    if half is None:
        where += "; a single run has no interval"
    elif verdict != "held" and holds(found.mean, claim.claimed, half):
        verdict = "could not be measured"
        images = " over test images" if len(values) == 1 else ""
        where += f"; its 95% interval{images} does, so more seeds are needed to decide"
    return Judged(claim, verdict, f"{mean}, {count_seeds(len(values))}", f"{where}.")


def _judge_order(claim: Claim, results: Results) -> Judged:
    """By a t test over seeds, paired where the seeds are the same."""
    found = results.files.get(claim.file)
    where = (
        f"Decided by results/{claim.file}.json; held if AdamW is ahead, p < {ALPHA:g} over seeds"
    )
    if not isinstance(found, SgdAgainstAdamW):
        return Judged(claim, "not measured yet", "–", f"{where}.")
    by_seed = {
        name: {run.seed: run.accuracy for run in found.runs if run.recipe == name}
        for name in ("paper-sgd", "paper")
    }
    if not all(by_seed.values()):
        return Judged(claim, "not measured yet", "–", f"{where}. One of the two is missing.")
    test = compare_seeds(by_seed["paper-sgd"], by_seed["paper"])
    points = f"{100 * test.difference:+.2f}".replace("-", "−")
    half = "" if test.half_width is None else f" ± {100 * test.half_width:.2f}"
    counts = " and ".join(sorted({count_seeds(len(seeds)) for seeds in by_seed.values()}))
    here = f"{points}{half} points, {counts} each, {found.epochs:g} epochs"
    if test.p is not None and test.p < ALPHA:
        decided = f"{where} ({test.name}, {show_p(test.p)})."
        claimed = load_recipe("paper").train.epochs
        if found.epochs >= claimed:
            verdict: Verdict = "held" if test.difference > 0 else "did not hold"
            return Judged(claim, verdict, here, decided)
        decided += f" The paper's runs have {claimed:g} epochs, these {found.epochs:g}."
        verdict = "held at fewer epochs only" if test.difference > 0 else "did not hold"
        return Judged(claim, verdict, here, decided, epochs=found.epochs)
    needed = seeds_needed(test)
    more = f" About {needed} seeds of each would be needed." if needed else ""
    return Judged(
        claim, "could not be measured", here, f"{where}. The difference is not significant.{more}"
    )
