"""Recipes as dotted keys, such as `optim.lr`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel

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


def explained(section: BaseModel, prefix: str = "") -> list[tuple[str, Any, str]]:
    """Each dotted key of a recipe with its value and its meaning, in order."""
    found: list[tuple[str, Any, str]] = []
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found += explained(value, f"{prefix}{name}.")
        else:
            meaning = " ".join((field.description or "").split())
            found.append((f"{prefix}{name}", plain[name], meaning))
    return found


def differing_settings(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """For each recipe, the values of dotted keys that differ between them; missing keys are None.

    Name, description and seed are ignored.
    """
    flat = [flatten(recipe.model_dump(mode="json")) for recipe in recipes]
    keys = {key: None for values in flat for key in values if key not in _WORDS}
    differing = [key for key in keys if any(v.get(key) != flat[0].get(key) for v in flat)]
    return [{key: values.get(key) for key in differing} for values in flat]
