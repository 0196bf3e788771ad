"""The images that a recipe trains on and those that it validates on, where training reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.data import Dataset, stratified_split
from thriftnet.recipe import Recipe
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.rng import derive_seed


@dataclass(frozen=True)
class Images:
    """A data set, split and placed; nobody changes it."""

    images: Tensor
    """(N, 3, H, W) uint8, channels-last, on the device."""
    labels: Tensor
    """(N,) int64, on the device."""
    val_images: Tensor
    val_labels: Tensor
    """As images and labels; of length 0 without validation."""


PrepareTensors = Callable[[Recipe, Dataset, torch.device], Images]


def prepare_tensors(recipe: Recipe, train_set: Dataset, device: torch.device) -> Images:
    """Split a data set as a recipe says, and bring it to the device at the recipe's size."""
    train_at, val_at = split_positions(recipe, train_set.labels)
    side = recipe.data.image_size
    chosen, held_out = train_set.subset(train_at), train_set.subset(val_at)
    return Images(
        images=as_images(chosen, device, side=side),
        labels=torch.tensor(chosen.labels).to(device),
        val_images=as_images(held_out, device, side=side),
        val_labels=torch.tensor(held_out.labels).to(device),
    )


class ImageTensors:
    """Places images as `place_images` does, and has them at hand if the same are asked for again.

    For a process that trains many recipes on one data set: the trials of a search mostly share
    their images, and shrinking those is half of what there is to do before the first step.
    """

    def __init__(self) -> None:
        self._last: tuple[object, Images] | None = None

    def __call__(self, recipe: Recipe, train_set: Dataset, device: torch.device) -> Images:
        """The images of a recipe; `train_set` is the same at every call."""
        wanted = (recipe.seed, recipe.data, device)
        if self._last is None or self._last[0] != wanted:
            self._last = None  # room for the next
            self._last = wanted, prepare_tensors(recipe, train_set, device)
        return self._last[1]


def split_positions(
    recipe: Recipe, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the images that a recipe trains on, and of those it validates on."""
    seed = recipe.seed
    train_at, val_at = stratified_split(labels, val_ratio=recipe.data.val_ratio, seed=seed)
    if recipe.data.fraction < 1:
        _, used = stratified_split(
            labels[train_at],
            val_ratio=recipe.data.fraction,
            seed=derive_seed(seed, "fraction"),
        )
        train_at = train_at[used]
    return train_at, val_at


def as_images(dataset: Dataset, device: torch.device, *, side: int) -> Tensor:
    """Its images as (N, 3, side, side) channels-last uint8 tensors on a device."""
    return as_pixels(dataset.images, side).to(device)
