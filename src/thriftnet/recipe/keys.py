"""Recipes as dotted keys, such as `optim.lr`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from thriftnet.recipe import Recipe

_WORDS = {"name", "description", "seed"}
"""Keys that are not part of the experiment."""


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten a tree of sections to dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def differing_settings(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """For each recipe, the values of dotted keys that differ between them; missing keys are None.

    Name, description and seed are ignored.
    """
    flat = [flatten(recipe.model_dump(mode="json")) for recipe in recipes]
    keys = {key: None for values in flat for key in values if key not in _WORDS}
    differing = [key for key in keys if any(v.get(key) != flat[0].get(key) for v in flat)]
    return [{key: values.get(key) for key in differing} for values in flat]
