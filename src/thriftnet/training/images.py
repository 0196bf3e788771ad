"""Training and validation images of a recipe, as tensors on the device, and its augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.augment import Augment, Mix
from thriftnet.augment.robust.ingredients import Robust
from thriftnet.data import Dataset, OpenDataset, stratified_split
from thriftnet.data.opened import Subset
from thriftnet.data.splits import grouped_split
from thriftnet.data.statistics import Triple
from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.rng import derive_seed

HELD_OUT = "held_out"
"""Among the digests of a run's images: which of them an audit held out."""


@dataclass(frozen=True)
class Images:
    """A data set, split and on the device; read-only."""

    images: Tensor
    """(N, 3, H, W) uint8, channels-last, on the device."""
    labels: Tensor
    """(N,) int64, on the device."""
    val_images: Tensor
    val_labels: Tensor
    """As images and labels; of length 0 without validation."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digests of images held out by another rule than the recipe's; empty without one."""


PrepareTensors = Callable[[Recipe, OpenDataset, torch.device], Images]


def prepare_tensors(recipe: Recipe, data: OpenDataset, device: torch.device) -> Images:
    """Split a data set as the recipe specifies, resize it and move it to the device."""
    (train_set, train_at), (val_set, val_at) = split_sets(recipe, data)
    side = recipe.data.image_size
    return Images(
        images=as_pixels(train_set.images, side, at=train_at).to(device),
        labels=torch.tensor(train_set.labels[train_at]).to(device),
        val_images=as_pixels(val_set.images, side, at=val_at).to(device),
        val_labels=torch.tensor(val_set.labels[val_at]).to(device),
    )


class ImageTensors:
    """`prepare_tensors` with a cache of one entry.

    The trials of a search mostly share their images, and resizing those is half of the work before
    the first step.
    """

    def __init__(self) -> None:
        self._last: tuple[object, Images] | None = None

    def __call__(self, recipe: Recipe, data: OpenDataset, device: torch.device) -> Images:
        """The images of a recipe; `data` must be the same at every call."""
        wanted = (recipe.seed, recipe.data, device)
        if self._last is None or self._last[0] != wanted:
            self._last = None  # free the memory first
            self._last = wanted, prepare_tensors(recipe, data, device)
        return self._last[1]


def split_sets(recipe: Recipe, data: OpenDataset) -> tuple[Subset, Subset]:
    """The training and validation images of a recipe.

    Uses the data set's validation split if it has one, otherwise `data.val_ratio`.
    """
    whole, at = data.part("train")
    if "val" not in data.splits:
        train_at, val_at = split_positions(recipe, whole, at=at)
        return (whole, train_at), (whole, val_at)
    train_at, _ = split_positions(recipe, whole, at=at, val_ratio=0)
    return (whole, train_at), data.part("val")


def split_positions(
    recipe: Recipe,
    whole: Dataset,
    *,
    at: NDArray[np.int64] | None = None,
    val_ratio: float | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the training and validation images of a recipe.

    Args:
        recipe: Its seed and section `data` apply.
        whole: The images; images of one group stay together.
        at: Positions of the training split; None: all.
        val_ratio: Replaces the recipe's.
    """
    at = np.arange(len(whole)) if at is None else at
    seed, labels = recipe.seed, whole.labels[at]
    ratio = recipe.data.val_ratio if val_ratio is None else val_ratio
    if whole.groups is None:
        train_at, val_at = stratified_split(labels, val_ratio=ratio, seed=seed)
    else:
        train_at, val_at = grouped_split(labels, whole.groups[at], ratio=ratio, seed=seed)
    if recipe.data.fraction < 1:
        _, used = stratified_split(
            labels[train_at],
            val_ratio=recipe.data.fraction,
            seed=derive_seed(seed, "fraction"),
            least=1,  # a class of few images stays one
        )
        train_at = train_at[used]
    return at[train_at], at[val_at]


def recipe_augment(recipe: Recipe, *, mean: Triple, std: Triple) -> Augment:
    """The recipe's augmentation of images with that mean and deviation of each channel."""
    options = recipe.augment.model_dump(exclude={"mixup", "cutmix"})
    robust = Robust(**{each.name: options.pop(each.name) for each in fields(Robust)})
    flips = derive_seed(recipe.seed, "flip")
    return Augment(**options, robust=robust, mean=mean, std=std, seed=flips)


def recipe_mix(recipe: Recipe) -> Mix | None:
    """The recipe's mixup and CutMix; None if it uses neither."""
    mixup, cutmix = recipe.augment.mixup, recipe.augment.cutmix
    return Mix(mixup=mixup, cutmix=cutmix) if mixup > 0 or cutmix > 0 else None


def check_image_size(recipe: Recipe, data: OpenDataset) -> None:
    """Check that no image would be enlarged.

    Raises:
        RecipeError: The recipe wants larger images than there are.
    """
    if recipe.data.image_size > data.image_size:
        raise RecipeError(
            f"data.image_size is {recipe.data.image_size}, and the images of {data.name} have "
            f"{data.image_size} pixels; images are never enlarged: lower it"
        )


def check_selection(recipe: Recipe, *, validation_images: int) -> None:
    """Check that what needs validation images has some.

    Raises:
        RecipeError: It has none.
    """
    if validation_images == 0 and (choice := recipe.train.needs_validation):
        raise RecipeError(
            f"data.val_ratio {recipe.data.val_ratio:g} holds out no image, and {choice} needs "
            "some; raise it or leave that out"
        )
