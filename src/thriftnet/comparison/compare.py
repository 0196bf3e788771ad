"""Compares recipes by their runs: groups of runs that differ only in the seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from thriftnet.commands import command
from thriftnet.comparison.balanced import balanced_half_width, compare_balanced
from thriftnet.comparison.groups import ScoreGroup, group_scores
from thriftnet.comparison.scores import METRICS, Score, read_score
from thriftnet.comparison.sentences import notes_on, verdict
from thriftnet.comparison.statistics import (
    ALPHA,
    ImageTest,
    SeedTest,
    compare_seeds,
    holm,
    image_half_width,
    mcnemar,
    seeds_needed,
)
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.evaluation.evaluated import evaluated_runs
from thriftnet.recipe.sections import EvaluateSection
from thriftnet.weights.adopt import find_or_adopt


@dataclass(frozen=True)
class Contrast:
    """One group compared with the first. Differences are in percentage points."""

    metric: str
    """A key of METRICS."""
    first: str
    other: str
    test: str
    """Name of the test behind `p`; `none` if no test is possible."""
    seeds: tuple[int, int]
    """Number of seeds of the first and of the other group."""
    points: float
    """Mean of the other group minus that of the first."""
    half_width: float | None
    """Half of the 95% interval of `points`: over seeds, or over images if the test is over
    images."""
    image_half_width: float | None
    """Half of the interval over test images; None without predictions for the same images."""
    p: float | None
    """Two-sided, uncorrected."""
    p_corrected: float | None
    """Holm-corrected for the number of comparisons."""
    only_first: int | None
    """In a test over images: images that only the first network classifies correctly."""
    only_other: int | None
    seeds_needed: int | None
    """Seeds per group for a power of 80% if this is the true difference."""

    @property
    def verdict(self) -> str:
        """The conclusion in a sentence."""
        return verdict(self)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "seeds": list(self.seeds), "verdict": self.verdict}


@dataclass(frozen=True)
class Comparison:
    """Groups and their comparison with the first."""

    metric: str
    """A key of METRICS."""
    groups: tuple[ScoreGroup, ...]
    contrasts: tuple[Contrast, ...]
    """Every other group against the first; empty if there is one group or they are incomparable."""
    incomparable_reason: str | None
    """Why the runs cannot be compared; each is then a group of its own."""
    correction: str | None
    """Correction for multiple comparisons: `Holm`, or None for a single one."""
    notes: tuple[str, ...]
    """Remarks on the interpretation and on missing data."""
    left_out: tuple[str, ...]
    """Runs that could not be used, and why."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "metric": self.metric,
            "groups": [group.to_json() for group in self.groups],
            "contrasts": [contrast.to_json() for contrast in self.contrasts],
            "incomparable_reason": self.incomparable_reason,
            "correction": self.correction,
            "notes": list(self.notes),
            "left_out": list(self.left_out),
        }


def compare(
    runs: Sequence[Path | str],
    *,
    tta: str | None = None,
    metric: str = "accuracy",
    data: Path | None = None,
    fetch: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare the test accuracy of runs; see `thriftnet.compare`.

    Two runs are always compared with each other, even if they differ only in the seed. Runs of
    different classes or data, and a single usable run, are reported without a test.

    Args:
        runs: As there, and so are `tta`, `metric` and `data`.
        tta: As there.
        metric: As there.
        data: As there.
        fetch: Whether CIFAR-10 may be fetched to evaluate a network that has no run folder.
        on_progress: Called with the number of images done and the total.

    Raises:
        RunError: `tta` or `metric` is unknown, there are fewer than two runs, or none can be used.
    """
    kinds = get_args(EvaluateSection.model_fields["tta"].annotation)
    if tta is not None and tta not in kinds:
        raise RunError(f"--tta {tta} is not one of {', '.join(kinds)}; use one of them")
    if metric not in METRICS:
        raise RunError(f"--metric {metric} is not one of {', '.join(METRICS)}; use one of them")
    if len(runs) > 1:
        found = evaluated_runs(runs, data=data, tta=tta, fetch=fetch, on_progress=on_progress)
    else:  # refused below
        found = [find_or_adopt(run) for run in runs]
    scores, left_out = _read(found, tta, metric)
    incomparable_reason = _incomparable_reason(scores)
    apart = incomparable_reason is not None or _are_a_pair(scores, left_out)
    groups, repeated = group_scores(scores, apart=apart)
    first, *others = groups if incomparable_reason is None else groups[:1]
    tests = [_tests(first, other) for other in others]
    p_values = [images.p if images else seeds.p for seeds, images in tests]
    known = [p for p in p_values if p is not None]
    corrected = iter(holm(known))
    contrasts = tuple(
        _contrast(first, other, test, p, None if p is None else next(corrected), len(known))
        for other, test, p in zip(others, tests, p_values, strict=True)
    )
    return Comparison(
        metric=metric,
        groups=groups,
        contrasts=contrasts,
        incomparable_reason=incomparable_reason,
        correction="Holm" if len(known) > 1 else None,
        notes=notes_on(groups, contrasts, incomparable_reason=incomparable_reason),
        left_out=(*left_out, *repeated),
    )


def _read(found: Sequence[Path], tta: str | None, metric: str) -> tuple[list[Score], list[str]]:
    """The scores of usable runs, and why others are not usable."""
    paths = list({path.resolve(): path for path in reversed(found)}.values())[::-1]
    scores: list[Score] = []
    left_out: list[ThriftnetError] = []
    for path in paths:
        try:
            scores.append(read_score(path, tta=tta, metric=metric))
        except ThriftnetError as fault:
            left_out.append(fault)
    if left_out and not scores:
        raise left_out[0]
    if len(paths) < 2:
        given = "only one is given" if found else "none is given"
        if len(found) > 1:
            given = f"{paths[0]} is given {len(found)} times"
        raise RunError(
            f"a comparison takes two runs or more, and {given}; name another: thriftnet compare A B"
        )
    return scores, [str(fault) for fault in left_out]


def _are_a_pair(scores: Sequence[Score], left_out: Sequence[str]) -> bool:
    """Whether exactly two runs of one recipe were given, which are compared with each other."""
    if left_out or len(scores) != 2:
        return False
    return scores[0].experiment == scores[1].experiment


def _incomparable_reason(scores: Sequence[Score]) -> str | None:
    """Why runs are incomparable: a single one, or different classes, data or test images."""
    first = scores[0]
    if len(scores) == 1:
        return f"of the runs given only {first.title} can be used; a comparison takes two"
    evaluated: tuple[Score, NDArray[np.int64]] | None = None  # the first one with predictions
    for other in scores:
        pair = f"{first.title} and {other.title}"
        if other.classes != first.classes:
            return (
                f"{pair} have different classes ({', '.join(first.classes)}; "
                f"{', '.join(other.classes)}); compare runs of the same classes"
            )
        mine, theirs = first.environment.get("data"), other.environment.get("data")
        names = first.recipe.data.dataset, other.recipe.data.dataset
        if mine != theirs if mine and theirs else names[0] != names[1]:
            which = " and ".join(names) if names[0] != names[1] else f"{names[0]}, which changed"
            return f"{pair} have different training data ({which}); compare runs of the same data"
        if other.labels is None:
            continue
        known, labels = evaluated = evaluated or (other, other.labels)
        if not np.array_equal(labels, other.labels):
            return (
                f"{known.title} and {other.title} were evaluated on different test images; "
                f"evaluate both on the same: {command('evaluate', known.path)}; "
                f"{command('evaluate', other.path)}"
            )
    return None


def _tests(first: ScoreGroup, other: ScoreGroup) -> tuple[SeedTest, ImageTest | None]:
    """The test over seeds, and the test over images if each group is a single network."""
    seeds, labels = compare_seeds(first.values, other.values), first.scores[0].labels
    if len(first.scores) > 1 or len(other.scores) > 1:
        return seeds, None
    if first.right is None or other.right is None:
        return seeds, None
    if first.metric == "balanced_accuracy" and labels is not None:
        return seeds, compare_balanced(first.right[0], other.right[0], labels)
    return seeds, mcnemar(first.right[0], other.right[0])


def _contrast(
    first: ScoreGroup,
    other: ScoreGroup,
    tests: tuple[SeedTest, ImageTest | None],
    p: float | None,
    p_corrected: float | None,
    comparisons: int,
) -> Contrast:
    seeds, images = tests
    over_images = _over_images(first, other)
    over_seeds = None if seeds.half_width is None else 100 * seeds.half_width
    return Contrast(
        metric=first.metric,
        first=first.label,
        other=other.label,
        test=(images or seeds).name,
        seeds=(len(first.scores), len(other.scores)),
        points=100 * (images or seeds).difference,
        half_width=over_images if images else over_seeds,
        image_half_width=over_images,
        p=p,
        p_corrected=p_corrected,
        only_first=images.only_first if images else None,
        only_other=images.only_other if images else None,
        seeds_needed=seeds_needed(seeds, alpha=ALPHA / max(1, comparisons)),
    )


def _over_images(first: ScoreGroup, other: ScoreGroup) -> float | None:
    """Half of the difference's 95% interval over test images, in points; None if unknown."""
    labels = first.scores[0].labels
    if first.right is None or other.right is None or labels is None:
        return None
    if first.metric == "accuracy":
        return 100 * image_half_width(first.right, other.right)
    shares = other.right.mean(axis=0) - first.right.mean(axis=0)
    return 100 * balanced_half_width(shares, labels)
