"""Labels of recipes, data and seeds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from os.path import commonprefix
from typing import Any

from thriftnet.recipe import Recipe, shipped_recipes
from thriftnet.recipe.keys import differing_settings
from thriftnet.weights.adopt import adopted

_SHORT = 2
"""Largest number of keys in a label."""
_SEPARATORS = "-_. "
_SEED = re.compile(r"(?:-s\d+-\d{8}-\d{6}(?:-\d+)?|[-_. ]+(?:seed|s)?[-_]?\d*|\d+)$")
"""The end of a run's name: as `new_run_path` writes it, or a seed as people do."""


def count_seeds(count: int) -> str:
    """Such as `1 seed`."""
    return f"{count} seed{'' if count == 1 else 's'}"


def name_experiment(recipe: Recipe, environment: Mapping[str, Any]) -> str:
    """A digest of a recipe and the content of its data, independent of their path.

    A network whose recipe is unknown is an experiment of its own.

    Args:
        recipe: The recipe.
        environment: Of the run: digests of its data, if they are known.
    """
    if recipe.name not in shipped_recipes() and (alone := adopted(environment)):
        return alone
    data = environment.get("data")
    if not data or recipe.data.dataset == "cifar10":
        return recipe.digest()
    content = recipe.data.model_copy(update={"dataset": json.dumps(data, sort_keys=True)})
    return recipe.model_copy(update={"data": content}).digest()


def label_recipes(recipes: Sequence[Recipe], names: Sequence[Sequence[str]]) -> list[str]:
    """A label for each of several different recipes.

    The recipe's name; if several share it, with the keys that differ. If these are many, with what
    the runs are called, or else the digest.

    Args:
        recipes: Different ones.
        names: For each, the names of its runs.
    """
    shared = Counter(recipe.name for recipe in recipes)
    labels: list[str] = []
    for recipe, called in zip(recipes, _without_seeds(names), strict=True):
        label = recipe.name
        if shared[recipe.name] > 1:
            namesakes = [other for other in recipes if other.name == recipe.name]
            settings = differing_settings(namesakes)[namesakes.index(recipe)]
            shown = " ".join(f"{key}={value}" for key, value in settings.items())
            many = f" ({called or recipe.digest()[:6]})"
            label += f" {shown}" if len(settings) <= _SHORT else many
        labels.append(label)
    return labels


def _without_seeds(names: Sequence[Sequence[str]]) -> list[str]:
    """What the runs of each recipe are called, without their seeds and what all begin with.

    Where that is the same for two recipes, the whole name of a run that is alone; else empty.
    """
    called = [_SEED.sub("", commonprefix(list(own))) for own in names]
    start = commonprefix(called)
    begins = max(start.rfind(mark) for mark in _SEPARATORS) + 1
    told = [name[begins:].strip(_SEPARATORS) for name in called]
    alone = [own[0] if len(own) == 1 else "" for own in names]
    found = [name if told.count(name) == 1 else one for name, one in zip(told, alone, strict=True)]
    return [name if found.count(name) == 1 else "" for name in found]
