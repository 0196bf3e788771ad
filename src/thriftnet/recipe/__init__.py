"""The one configuration type: a frozen, validated tree of plain values."""

from thriftnet.recipe.load import Recipe, build_recipe, load_recipe, shipped_recipes, with_epochs

__all__ = ["Recipe", "build_recipe", "load_recipe", "shipped_recipes", "with_epochs"]
