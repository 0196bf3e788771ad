"""Recipes for few images: batches that have any, and no micro-batch of a single image."""

from __future__ import annotations

import json
import math
from typing import Any

from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe
from thriftnet.recipe.chosen import batch_size
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.lengths import LENGTHS, follow_epochs
from thriftnet.recipe.rules import least_passes
from thriftnet.recipe.sections import TrainSection


def check_epochs(recipe: Recipe, *, images: int) -> None:
    """Check that every epoch of a recipe has a step.

    Raises:
        RecipeError: An epoch has fewer images than a batch, or none.
    """
    if images == 0:
        raise RecipeError(
            f"data.val_ratio {recipe.data.val_ratio:g} holds out all images for validation and "
            "leaves none to train on; lower it"
        )
    epochs = Epochs.of(recipe.train, images=images)
    if epochs.steps_in(epochs.full_epochs) == 0:
        raise RecipeError(
            f"train.batch_size {epochs.batch_size} is larger than the {epochs.hard_images} "
            f"training images of an epoch; add {fitting_options(recipe, images)}"
            + (
                ""
                if recipe.data.dataset == "cifar10"
                else "; or leave out the recipe, so that one is chosen for these pictures"
            )
        )


def fit_to(recipe: Recipe, images: int) -> Recipe:
    """The recipe with batches that fit the images; the same recipe if its own do.

    Smaller batches, learning rates by the square root of the ratio, more epochs and no hard-example
    mining, as the recipe that is chosen for so few pictures. Lengths in epochs follow their number.
    No micro-batch has a single image, which batch norm may not take.

    Args:
        recipe: The recipe.
        images: Number of training images, two or more.
    """
    train = recipe.train
    if not train.drop_last or train.batch_size <= int(images * train.hard_fraction):
        return recipe
    batch = min(batch_size(images), train.batch_size)
    factor = math.sqrt(batch / train.batch_size)
    tree = recipe.model_dump(mode="json")
    for key in ("lr", "bias_lr", "head_lr"):
        if tree["optim"].get(key) is not None:
            tree["optim"][key] *= factor
    tree["train"] |= {
        "batch_size": batch,
        "micro_batch": min(train.micro_batch, batch // 2),
        "drop_last": images >= 2 * batch,
        "epochs": max(train.epochs, round(least_passes(images))),
        "hard_fraction": 1.0,
        "full_epochs": 0,
        "loss_decay": 0.0,
    }
    follow_epochs(tree, before=train.epochs)
    return avoid_lone_image(Recipe.model_validate(tree), images=images)


def fitting_options(recipe: Recipe, images: int) -> str:
    """The options that change a recipe as `fit_to` does, such as `--set train.batch_size=64 …`.

    Lengths in epochs follow the option `train.epochs` by themselves.
    """
    before, after = (each.model_dump(mode="json") for each in (recipe, fit_to(recipe, images)))
    changed: dict[str, Any] = {
        f"{section}.{key}": value
        for section in ("train", "optim")
        for key, value in after[section].items()
        if value != before[section][key]
        and f"{section}.{key}" not in LENGTHS.keys() - {"train.full_epochs"}
    }
    return " ".join(
        f"--set {key}={f'{value:.4g}' if isinstance(value, float) else json.dumps(value)}"
        for key, value in changed.items()
    )


def without_lone_image(settings: TrainSection, *, images: int) -> dict[str, Any]:
    """Settings that leave no micro-batch of a single image, with as few changes as possible.

    Returns:
        By key of the section `train`; empty if none was found.
    """
    larger = {"batch_size": settings.batch_size + 1, "micro_batch": 0}
    for change in (
        {"drop_last": True},
        {"micro_batch": 0},
        {"micro_batch": 0, "drop_last": True},
        larger,
        {**larger, "drop_last": True},
    ):
        changed = settings.model_copy(update=change)
        epochs = Epochs.of(changed, images=images)
        if epochs.steps_in(epochs.full_epochs) and not epochs.has_lone_image(changed.micro_batch):
            return change
    return {}


def avoid_lone_image(recipe: Recipe, *, images: int) -> Recipe:
    """The recipe, changed where a micro-batch would have a single image."""
    settings = recipe.train
    if not Epochs.of(settings, images=images).has_lone_image(settings.micro_batch):
        return recipe
    changes = without_lone_image(settings, images=images)
    return recipe.model_copy(update={"train": settings.model_copy(update=changes)})
