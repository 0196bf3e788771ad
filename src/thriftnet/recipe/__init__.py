"""Recipes: configuration sections, YAML, overrides, messages, and rules that choose one."""

from thriftnet.recipe.load import Recipe, build_recipe, load_recipe, shipped_recipes

__all__ = ["Recipe", "build_recipe", "load_recipe", "shipped_recipes"]
