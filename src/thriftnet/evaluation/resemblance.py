"""Which test corruptions a training's own changes to its images resemble.

A mean over corruptions that were trained on says little of those that were not. Resemblance is
judged generously: what could be taken for the same change counts.
"""

from __future__ import annotations

from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.corruptions.table import PUBLISHED
from thriftnet.models.saved import SavedModel
from thriftnet.recipe import Recipe, load_recipe, shipped_recipes
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.runs.folder import RunFolder

_LIGHT = ("brightness", "contrast")
RESEMBLED: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "jpeg": ("jpeg_compression",),
    "prime": ("defocus_blur", "elastic_transform", *_LIGHT),
    "brightness": _LIGHT[:1],
    "contrast": _LIGHT[1:],
    "policy": _LIGHT,
}
"""Keys of a recipe's section `augment` that resemble corruptions. AugMix leaves out what the test
has; turns, shifts and erased squares are none of the corruptions."""


def resembled_corruptions(augment: AugmentSection) -> tuple[str, ...]:
    """The corruptions that the settings resemble, in the order of the table."""
    off = AugmentSection()
    used = [k for k in RESEMBLED if getattr(augment, k) != getattr(off, k)]
    found = {name for key in used for name in RESEMBLED[key]}
    return tuple(name for name in PUBLISHED if name in found)


def resembled_by_training(model: SavedModel, run: RunFolder | None) -> tuple[str, ...] | None:
    """The corruptions that a network's training resembled; None if its recipe is unknown."""
    recipe = _recipe_of(model, run)
    return None if recipe is None else resembled_corruptions(recipe.augment)


def _recipe_of(model: SavedModel, run: RunFolder | None) -> Recipe | None:
    """The recipe of the run, or the shipped recipe with the model's digest."""
    if run is not None:
        try:
            return run.recipe()
        except ThriftnetError:  # it is of an earlier version, and not needed to evaluate
            return None
    name = model.about.get("recipe")
    if name not in shipped_recipes():
        return None
    recipe = load_recipe(name)
    return recipe if recipe.digest() == model.about.get("digest") else None
