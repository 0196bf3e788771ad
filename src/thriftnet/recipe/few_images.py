"""A recipe made for many images, for so few that an epoch has no whole batch."""

from __future__ import annotations

import json
import math
from typing import Any

from thriftnet.recipe.chosen import batch_size
from thriftnet.recipe.lengths import LENGTHS, follow_epochs
from thriftnet.recipe.load import Recipe
from thriftnet.recipe.rules import least_passes


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
    micro = min(train.micro_batch, batch // 2)
    drop_last = images >= 2 * batch or (images > batch and images % batch == 1)
    rest = 0 if drop_last else images % batch
    if micro and 1 in {micro, batch % micro, rest % micro}:
        micro = 0
    tree["train"] |= {
        "batch_size": batch,
        "micro_batch": micro,
        "drop_last": drop_last,
        "epochs": max(train.epochs, round(least_passes(images))),
        "hard_fraction": 1.0,
        "full_epochs": 0,
        "loss_decay": 0.0,
    }
    follow_epochs(tree, before=train.epochs)
    return Recipe.model_validate(tree)


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
