"""Labels of recipes, data and seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from thriftnet.recipe import Recipe, shipped_recipes
from thriftnet.recipe.keys import differing_settings
from thriftnet.weights.adopt import adopted

_SHORT = 2
"""Largest number of keys in a label."""


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


def label_recipes(recipes: Sequence[Recipe]) -> list[str]:
    """A label for each of several different recipes.

    The recipe's name; if several share it, with the keys that differ, or the digest if these are
    many.
    """
    shared = Counter(recipe.name for recipe in recipes)
    labels: list[str] = []
    for recipe in recipes:
        label = recipe.name
        if shared[recipe.name] > 1:
            namesakes = [other for other in recipes if other.name == recipe.name]
            settings = differing_settings(namesakes)[namesakes.index(recipe)]
            shown = " ".join(f"{key}={value}" for key, value in settings.items())
            label += f" {shown}" if len(settings) <= _SHORT else f" ({recipe.digest()[:6]})"
        labels.append(label)
    return labels
