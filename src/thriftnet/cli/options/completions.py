"""Shell completion of names and paths."""

from __future__ import annotations

from pathlib import Path


def recipe_names(incomplete: str) -> list[str]:
    """Shipped recipes, and paths."""
    from thriftnet.recipe.load import shipped_recipes

    return [*_beginning(incomplete, shipped_recipes()), *_paths(incomplete)]


def model_names(incomplete: str) -> list[str]:
    """Shipped weights, and paths: of a run folder or a model file."""
    from thriftnet.weights.shipped import shipped_weights

    return [*_beginning(incomplete, shipped_weights()), *_paths(incomplete)]


def _beginning(incomplete: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str) -> list[str]:
    folder, _, begun = incomplete.rpartition("/")
    try:
        found = sorted(Path(folder or ("/" if incomplete.startswith("/") else ".")).iterdir())
    except OSError:
        return []
    hidden = begun.startswith(".")
    shown = [p for p in found if p.name.startswith(begun) and (hidden or p.name[0] != ".")]
    before = f"{folder}/" if "/" in incomplete else ""
    return [f"{before}{path.name}{'/' if path.is_dir() else ''}" for path in shown]
