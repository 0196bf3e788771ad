"""The sides of a comparison: runs that differ by their seed only, and how they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.evaluation.statistics import Estimate, estimate, image_half_width
from thriftnet.report.recipe_keys import differing_settings
from thriftnet.report.scores import Score

_SHORT_LABEL = 2
"""Keys that a label can hold."""


@dataclass(frozen=True)
class Group:
    """Runs of one recipe, each of another seed."""

    label: str
    scores: tuple[Score, ...]
    settings: dict[str, Any]
    """Recipe keys that differ between the groups, with this group's values."""

    @property
    def accuracies(self) -> dict[int, float]:
        """Test accuracy of each seed."""
        return {score.seed: score.accuracy for score in self.scores}

    @property
    def accuracy(self) -> Estimate:
        """Over seeds."""
        return estimate([score.accuracy for score in self.scores])

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """(seeds, N) what each network names rightly; none if a run keeps no predictions."""
        kept = [score.right for score in self.scores if score.right is not None]
        return np.stack(kept) if len(kept) == len(self.scores) else None

    @property
    def image_half_width(self) -> float:
        """Of the 95% interval of the mean accuracy over test images, the networks kept."""
        if self.right is not None and self.right.shape[1] > 1:
            return image_half_width(self.right)
        return fmean(score.image_half_width for score in self.scores)

    @property
    def seconds(self) -> float | None:
        """Mean training time."""
        known = [score.seconds for score in self.scores if score.seconds is not None]
        return fmean(known) if known else None

    def to_json(self) -> dict[str, Any]:
        """Plain values; accuracies in [0, 1]."""
        first, accuracy = self.scores[0], self.accuracy
        return {
            "label": self.label,
            "recipe": first.recipe.name,
            "digest": first.recipe.digest(),
            "tta": first.tta,
            "settings": self.settings,
            "accuracy": accuracy.mean,
            "deviation": accuracy.deviation,
            "half_width": accuracy.half_width,
            "image_half_width": self.image_half_width,
            "parameters": first.parameters,
            "macs": first.macs,
            "seconds": self.seconds,
            "runs": [
                {
                    "run": str(score.path),
                    "seed": score.seed,
                    "accuracy": score.accuracy,
                    "seconds": score.seconds,
                }
                for score in self.scores
            ],
        }


def form_groups(scores: Sequence[Score]) -> tuple[tuple[Group, ...], list[str]]:
    """Groups in the order of their first runs, and why a run is in none of them.

    Two runs are two groups, whatever they are: who names two wants them compared.
    """
    if len(scores) == 2 and scores[0].recipe.digest() == scores[1].recipe.digest():
        names = [score.path.resolve().name for score in scores]
        if names[0] == names[1]:
            names = [str(score.path) for score in scores]
        return tuple(
            Group(name, (score,), {}) for name, score in zip(names, scores, strict=True)
        ), []
    members: dict[str, dict[int, Score]] = {}
    repeated: list[str] = []
    for score in scores:
        seeds = members.setdefault(score.recipe.digest(), {})
        if score.seed in seeds:  # no other sample of how seeds scatter
            repeated.append(
                f"{score.path} has the recipe and seed of {seeds[score.seed].path}, "
                "which counts for both; leave one out"
            )
        seeds.setdefault(score.seed, score)
    sides = [tuple(seeds.values()) for seeds in members.values()]
    settings = differing_settings([side[0].recipe for side in sides])
    labels = _labels(sides)
    return tuple(map(Group, labels, sides, settings)), repeated


def _labels(sides: Sequence[tuple[Score, ...]]) -> list[str]:
    """The recipe's name; where several share it, with the keys they differ in, or the digest."""
    recipes = [side[0].recipe for side in sides]
    shared = Counter(recipe.name for recipe in recipes)
    labels: list[str] = []
    for recipe in recipes:
        label = recipe.name
        if shared[recipe.name] > 1:
            namesakes = [other for other in recipes if other.name == recipe.name]
            settings = differing_settings(namesakes)[namesakes.index(recipe)]
            told = " ".join(f"{key}={value}" for key, value in settings.items())
            short = len(settings) <= _SHORT_LABEL
            label += f" {told}" if short else f" ({recipe.digest()[:6]})"
        labels.append(label)
    return labels
