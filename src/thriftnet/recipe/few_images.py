"""A recipe made for many images, for so few that an epoch has no whole batch."""

from __future__ import annotations

import math

from thriftnet.recipe.chosen import batch_size
from thriftnet.recipe.load import Recipe
from thriftnet.recipe.rules import least_passes


def fit_to(recipe: Recipe, images: int) -> Recipe:
    """The recipe with batches that fit the images; the same recipe if its own do.

    Smaller batches, learning rates by the square root of the ratio, more epochs and no hard-example
    mining, as the recipe that is chosen for so few pictures.

    Args:
        recipe: The recipe.
        images: Number of training images.
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
    return Recipe.model_validate(tree)
