"""Test-time augmentation: views of an image, and how much each counts in the mean of logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.errors import RecipeError


def _up_left(images: Tensor) -> Tensor:
    """Shifted by a pixel up and left; reflections come in at the other sides."""
    return F.pad(images, (0, 1, 0, 1), mode="reflect")[:, :, 1:, 1:]


def _down_right(images: Tensor) -> Tensor:
    """Shifted by a pixel down and right."""
    height, width = images.shape[-2:]
    return F.pad(images, (1, 0, 1, 0), mode="reflect")[:, :, :height, :width]


def _turned(images: Tensor, quarters: int) -> Tensor:
    """Turned counter-clockwise by so many quarters."""
    return torch.rot90(images, quarters, (-2, -1))


TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda images: images,
    "mirrored": lambda images: images.flip(-1),
    "up_left": _up_left,
    "up_left_mirrored": lambda images: _up_left(images).flip(-1),
    "down_right": _down_right,
    "down_right_mirrored": lambda images: _down_right(images).flip(-1),
    "turned_90": lambda images: _turned(images, 1),
    "turned_180": lambda images: _turned(images, 2),
    "turned_270": lambda images: _turned(images, 3),
    "mirrored_turned_90": lambda images: _turned(images.flip(-1), 1),
    "mirrored_turned_180": lambda images: _turned(images.flip(-1), 2),
    "mirrored_turned_270": lambda images: _turned(images.flip(-1), 3),
}
"""Each takes normalised images (N, 3, H, W) to the same shape; quarter turns, square ones."""

VIEWS: dict[str, Mapping[str, float]] = {
    "none": {"plain": 1.0},
    "flip": {"plain": 0.5, "mirrored": 0.5},
    # As airbench does: the image in place counts half, its two shifts a quarter each.
    "flip_shift": {
        "plain": 0.25,
        "mirrored": 0.25,
        "up_left": 0.125,
        "up_left_mirrored": 0.125,
        "down_right": 0.125,
        "down_right_mirrored": 0.125,
    },
    "shift": {"plain": 0.5, "up_left": 0.25, "down_right": 0.25},
    "flip_turn": {
        "plain": 0.125,
        "mirrored": 0.125,
        "turned_90": 0.125,
        "turned_180": 0.125,
        "turned_270": 0.125,
        "mirrored_turned_90": 0.125,
        "mirrored_turned_180": 0.125,
        "mirrored_turned_270": 0.125,
    },
}
"""The weight of each transform; weights add up to 1."""


def choose_views(name: str) -> Mapping[str, float]:
    """The transforms and weights that `name` stands for.

    Raises:
        RecipeError: It is not a key of `VIEWS`.
    """
    if name not in VIEWS:
        raise RecipeError(
            f"evaluate.tta={name!r} is not one of {', '.join(VIEWS)}; use one of them"
        )
    return VIEWS[name]


def baseline_tta(tta: str) -> str:
    """What an evaluation shows beside `tta`: no augmentation, or the mirror image beside none."""
    return "flip" if tta == "none" else "none"


def tta_views(tta: str) -> set[str]:
    """Names of all views that an evaluation of that choice computes.

    Raises:
        RecipeError: The choice is not one of ours.
    """
    return {name for kind in (tta, baseline_tta(tta)) for name in choose_views(kind)}
