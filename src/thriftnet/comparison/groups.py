"""Groups of runs that differ only in the seed, with aggregated metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.comparison.balanced import balanced_half_width
from thriftnet.comparison.labels import label_recipes
from thriftnet.comparison.scores import Score
from thriftnet.comparison.statistics import Estimate, estimate, image_half_width
from thriftnet.recipe.keys import differing_settings
from thriftnet.runs.evaluations import EvaluationKey


@dataclass(frozen=True)
class ScoreGroup:
    """Runs of one recipe with different seeds."""

    label: str
    scores: tuple[Score, ...]
    settings: dict[str, Any]
    """Recipe keys that differ between the groups, with this group's values."""

    @property
    def metric(self) -> str:
        """The metric to compare by, a key of METRICS."""
        return self.scores[0].metric

    @property
    def values(self) -> dict[int, float]:
        """The metric per seed."""
        return {score.seed: score.value for score in self.scores}

    @property
    def mean(self) -> Estimate:
        """The metric's mean over seeds."""
        return estimate([score.value for score in self.scores])

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean over seeds; None if a run has neither it nor predictions."""
        known = [s.balanced_accuracy for s in self.scores if s.balanced_accuracy is not None]
        return fmean(known) if len(known) == len(self.scores) else None

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """(seeds, N) correct predictions of each network; None if a run has no predictions."""
        kept = [score.right for score in self.scores if score.right is not None]
        return np.stack(kept) if len(kept) == len(self.scores) else None

    @property
    def image_half_width(self) -> float:
        """Half of the 95% interval of the metric's mean over test images."""
        if self.right is not None and self.right.shape[1] > 1:
            if self.metric == "accuracy":
                return image_half_width(self.right)
            labels = self.scores[0].labels
            if labels is not None and len(self.scores) > 1:
                return balanced_half_width(self.right.mean(axis=0), labels)
        return fmean(score.image_half_width for score in self.scores)

    @property
    def seconds(self) -> float | None:
        """Mean training time."""
        known = [score.seconds for score in self.scores if score.seconds is not None]
        return fmean(known) if known else None

    @property
    def evaluations(self) -> dict[EvaluationKey, float]:
        """Mean accuracy over seeds, for evaluations that all runs have."""
        first, *others = [score.evaluations for score in self.scores]
        common = [key for key in first if all(key in other for other in others)]
        return {key: fmean(s.evaluations[key] for s in self.scores) for key in common}

    def to_json(self) -> dict[str, Any]:
        """JSON values; accuracies in [0, 1]. Deviation and half widths are the metric's."""
        first, mean = self.scores[0], self.mean
        return {
            "label": self.label,
            "recipe": first.recipe.name,
            "digest": first.recipe.digest(),
            "tta": first.tta,
            "settings": self.settings,
            "evaluations": [
                {**vars(key), "accuracy": value} for key, value in self.evaluations.items()
            ],
            "accuracy": fmean(score.accuracy for score in self.scores),
            "balanced_accuracy": self.balanced_accuracy,
            "deviation": mean.deviation,
            "half_width": mean.half_width,
            "image_half_width": self.image_half_width,
            "parameters": first.parameters,
            "macs": first.macs,
            "seconds": self.seconds,
            "runs": [
                {
                    "run": str(score.path),
                    "seed": score.seed,
                    "accuracy": score.accuracy,
                    "balanced_accuracy": score.balanced_accuracy,
                    "seconds": score.seconds,
                }
                for score in self.scores
            ],
        }


def group_scores(
    scores: Sequence[Score], *, apart: bool = False
) -> tuple[tuple[ScoreGroup, ...], list[str]]:
    """Group scores, in order of their first runs; also returns why runs were omitted.

    Args:
        scores: The runs' scores.
        apart: Whether every run is a group, named by its folder.
    """
    if apart:
        names = [score.path.resolve().name for score in scores]
        if len(set(names)) < len(names):
            names = [str(score.path) for score in scores]
        settings = differing_settings([score.recipe for score in scores])
        sides = zip(names, scores, settings, strict=True)
        return tuple(ScoreGroup(name, (score,), keys) for name, score, keys in sides), []
    members: dict[str, dict[int, Score]] = {}
    repeated: list[str] = []
    for score in scores:
        seeds = members.setdefault(score.experiment, {})
        if score.seed in seeds:  # not an independent sample
            repeated.append(
                f"{score.path} has the same recipe and seed as {seeds[score.seed].path}, "
                "so only the latter counts; leave one out"
            )
        seeds.setdefault(score.seed, score)
    sides = [tuple(seeds.values()) for seeds in members.values()]
    settings = differing_settings([side[0].recipe for side in sides])
    names = [[score.path.resolve().name for score in side] for side in sides]
    labels = label_recipes([side[0].recipe for side in sides], names)
    return tuple(map(ScoreGroup, labels, sides, settings)), repeated
