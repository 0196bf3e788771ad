"""How recipes, their seeds and machines are called beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import or_
from typing import Any

from thriftnet.recipe import Recipe
from thriftnet.report.recipe_keys import differing_settings

_SHORT = 2
"""Keys that a label can hold."""


def count_seeds(count: int) -> str:
    """Such as `1 seed`."""
    return f"{count} seed{'' if count == 1 else 's'}"


def machine_name(facts: Mapping[str, Any]) -> str:
    """What to call a machine, by the facts that a run or a results file keeps of it."""
    threads = facts["threads"]
    plural = "" if threads == 1 else "s"
    return facts.get("accelerator") or f"{facts['processor']}, {threads} thread{plural}"


def machine_names(facts: Mapping[str, Any], moves: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Names of what a run was trained on, in order.

    Args:
        facts: Of where it began.
        moves: What changed of them, each time that it went on elsewhere.
    """
    each = accumulate(map(dict, moves), or_, initial=dict(facts))
    return list(dict.fromkeys(map(machine_name, each)))


def label_recipes(recipes: Sequence[Recipe]) -> list[str]:
    """A label for each of several different recipes.

    It is the recipe's name; where several share it, the keys they differ in stand with it, or the
    digest where these are many.
    """
    shared = Counter(recipe.name for recipe in recipes)
    labels: list[str] = []
    for recipe in recipes:
        label = recipe.name
        if shared[recipe.name] > 1:
            namesakes = [other for other in recipes if other.name == recipe.name]
            settings = differing_settings(namesakes)[namesakes.index(recipe)]
            told = " ".join(f"{key}={value}" for key, value in settings.items())
            label += f" {told}" if len(settings) <= _SHORT else f" ({recipe.digest()[:6]})"
        labels.append(label)
    return labels
