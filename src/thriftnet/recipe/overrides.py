"""Dotted overrides, such as `optim.lr=0.02`, on the command line and in search spaces."""

from __future__ import annotations

from typing import Any

from thriftnet.errors import RecipeError
from thriftnet.recipe.messages import shown
from thriftnet.recipe.plain_yaml import AmbiguousValueError, read_yaml


def parse_override(text: str) -> tuple[str, Any]:
    """Split `key=value` and parse the value as YAML.

    Raises:
        RecipeError: No `=`, or the value is not YAML or ambiguous between its versions.
    """
    key, separator, value = text.partition("=")
    if not separator or not all(part.strip() for part in key.split(".")):
        raise RecipeError(f"override {shown(text)} is not KEY=VALUE, such as optim.lr=0.02")
    key = key.strip()
    try:
        return key, read_yaml(value, key=key)
    except AmbiguousValueError as fault:
        reason = str(fault).removeprefix("line 1: ")
        raise RecipeError(f"the value in {shown(text)} is not clear: {reason}") from None
    except ValueError:
        raise RecipeError(f"the value in {shown(text)} is not valid YAML; quote it") from None


def merge_override(tree: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key in a plain tree, creating sections; changes `tree`.

    Raises:
        RecipeError: A part of the key is not a section.
    """
    *sections, last = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            raise RecipeError(f"{key} cannot be set: {section} is a value, not a section")
        tree = child
    tree[last] = value
