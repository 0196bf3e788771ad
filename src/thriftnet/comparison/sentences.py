"""Conclusions and notes of a comparison, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thriftnet.comparison.groups import ScoreGroup
from thriftnet.comparison.scores import METRICS
from thriftnet.comparison.statistics import ALPHA, MOST_SEEDS
from thriftnet.data.inspection import IMBALANCED

if TYPE_CHECKING:
    from thriftnet.comparison.compare import Contrast

_MACHINE = ("processor", "threads", "device", "accelerator")
"""Facts of the environment that determine training time."""


def verdict(contrast: Contrast) -> str:
    """Which group is better and by how much, or how many seeds it would take to tell."""
    first, other = contrast.first, contrast.other
    better, worse = (other, first) if contrast.points > 0 else (first, other)
    gap = f"{abs(contrast.points):.2f}"
    if contrast.half_width is not None:
        gap += f" ± {contrast.half_width:.2f}"
    gap += _points(contrast)
    p, on = contrast.p_corrected, _sample(contrast)
    if p is None:
        return _untested(contrast)
    evidence = f"{on}, {show_p(p)}{_other_images(contrast)}"
    if p < ALPHA:
        return f"{better} is better than {worse} by {gap} ({evidence})"
    start = f"no significant difference between {first} and {other}"
    ahead = f"{better} ahead by {gap}" if contrast.points else f"{gap} apart"
    found = f"found: {ahead}, {evidence}"
    if contrast.only_first is not None:
        return f"{start} with one run each ({found})"
    if contrast.seeds_needed:
        each = "" if contrast.seeds[0] == contrast.seeds[1] else " of each"
        need = f"about {contrast.seeds_needed}{each} would be needed"
    elif contrast.points:
        need = f"more than {MOST_SEEDS:,} would be needed"
    else:
        need = "their means are the same"
    return f"{start} with {_seeds(contrast)}; {need} ({found})"


def _untested(contrast: Contrast) -> str:
    """The sentence if no test is possible."""
    better = contrast.other if contrast.points > 0 else contrast.first
    gap = f"{abs(contrast.points):.2f}{_points(contrast)}"
    start = f"{contrast.first} and {contrast.other} cannot be tested"
    if max(contrast.seeds) > 1:
        return (
            f"{start} with {_seeds(contrast)} without any variance ({better} is ahead by {gap}"
            f"{_other_images(contrast)}); train more seeds"
        )
    return f"{start} with one seed each ({better} is ahead by {gap}); train more seeds of both"


def _other_images(contrast: Contrast) -> str:
    """What a test over seeds leaves out: with few seeds it may be the larger part."""
    if contrast.only_first is not None or contrast.image_half_width is None:
        return ""
    told = f"; other test images: another ± {contrast.image_half_width:.2f} points"
    more = abs(contrast.points) < contrast.image_half_width
    return told + (", more than the difference" if more and contrast.points else "")


def _points(contrast: Contrast) -> str:
    """The unit of a difference; accuracy is implied."""
    other = contrast.metric != "accuracy"
    return f" points of {METRICS[contrast.metric]}" if other else " points"


def _sample(contrast: Contrast) -> str:
    if contrast.only_first is not None:
        return "on these test images"
    return f"n = {_seeds(contrast)}"


def _seeds(contrast: Contrast) -> str:
    mine, theirs = contrast.seeds
    if mine == theirs:
        return f"{mine} seeds"
    return f"{mine} and {theirs} seeds"


def show_p(p: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def notes_on(
    groups: Sequence[ScoreGroup], contrasts: Sequence[Contrast], *, incomparable_reason: str | None
) -> tuple[str, ...]:
    """Remarks on the interpretation of a comparison and on missing data."""
    scores = [score for group in groups for score in group.scores]
    notes: list[str] = []
    if not contrasts and incomparable_reason is None:
        notes.append(
            "these runs differ by seed only, so there is nothing to compare; "
            "add runs of another recipe"
        )
    notes += [
        f"{test} compares these two networks; to compare their recipes, train several seeds of each"
        for test in sorted({c.test for c in contrasts if c.only_first is not None})
    ]
    imbalance = scores[0].imbalance or 1.0
    if imbalance >= IMBALANCED and scores[0].metric == "accuracy":
        notes.append(
            f"the largest class has {imbalance:.1f} times the smallest's test images, so that "
            "accuracy says little about small classes; --metric balanced_accuracy compares by the "
            "mean recall of the classes"
        )
    if any(contrast.test == "Student's t test" for contrast in contrasts):
        notes.append(
            "a group of one seed is assumed to have the other's variance (Student's t test); "
            "train more seeds of it"
        )
    if len([contrast for contrast in contrasts if contrast.p is not None]) > 1:
        notes.append(
            "p-values are Holm-corrected for the number of comparisons; the 95% intervals are "
            "not corrected"
        )
    notes.append(_two_sources(groups, contrasts))
    if len({score.tta for score in scores}) > 1:
        read = ", ".join(f"{group.label} {group.scores[0].tta}" for group in groups)
        notes.append(
            f"test-time augmentation differs ({read}); --tta none compares the networks without it"
        )
    everywhere = [facts for score in scores for facts in score.environments]
    if len({tuple(str(facts.get(key)) for key in _MACHINE) for facts in everywhere}) > 1:
        notes.append("the runs were trained on different machines: times are not comparable")
    lacking = [score for score in scores if score.missing]
    if contrasts and lacking:
        others = f" (one of {len(lacking)} such runs)" if lacking[1:] else ""
        notes.append(
            f"how much a difference varies with other test images is unknown: {lacking[0].path}"
            f"{others} {lacking[0].missing}"
        )
    return tuple(notes)


def _two_sources(groups: Sequence[ScoreGroup], contrasts: Sequence[Contrast]) -> str:
    """The note on uncertainty over seeds and over test images."""
    mean = max(100 * group.image_half_width for group in groups)
    known = [c.image_half_width for c in contrasts if c.image_half_width is not None]
    both = f" and a difference by about {max(known):.2f}" if known else ""
    return (
        "seeds and test images are different sources of uncertainty: ± over seeds is how far "
        "other seeds would move a mean on the same test images; other test images of the same "
        f"kind would move a mean by about {mean:.2f} points{both}"
    )
