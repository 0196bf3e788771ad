"""Test-time augmentation: views of an image and their weights in the mean of logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.errors import RecipeError


def _up_left(images: Tensor) -> Tensor:
    """Shifted up and left by one pixel, with reflection padding."""
    return F.pad(images, (0, 1, 0, 1), mode="reflect")[:, :, 1:, 1:]


def _down_right(images: Tensor) -> Tensor:
    """Shifted down and right by one pixel, with reflection padding."""
    height, width = images.shape[-2:]
    return F.pad(images, (1, 0, 1, 0), mode="reflect")[:, :, :height, :width]


def _turned(images: Tensor, quarters: int) -> Tensor:
    """Rotated counter-clockwise by `quarters` times 90 degrees."""
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
"""Each maps normalised images (N, 3, H, W) to the same shape; rotations need square images."""

VIEWS: dict[str, Mapping[str, float]] = {
    "none": {"plain": 1.0},
    "flip": {"plain": 0.5, "mirrored": 0.5},
    # As in airbench: the unshifted image has weight 1/2, each shift 1/4.
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
"""Weight of each transform per kind; each kind sums to 1."""

ABOUT = {
    "none": "the picture alone",
    "flip": "with its mirror image",
    "flip_shift": "mirrored and shifted",
    "shift": "shifted",
    "flip_turn": "turned and mirrored",
}
"""What each kind adds, for pages and cards; a test holds its keys to those of `VIEWS`."""

NAMES = {
    "none": "without TTA",
    "flip": "with its mirror image",
    "flip_shift": "with six views",
    "shift": "with three shifted views",
    "flip_turn": "with eight turned and mirrored views",
}
"""Each kind after an accuracy, in a terminal and on cards; keys as in `ABOUT`."""


def choose_views(name: str) -> Mapping[str, float]:
    """The transforms and weights of a kind.

    Raises:
        RecipeError: It is not a key of `VIEWS`.
    """
    if name not in VIEWS:
        raise RecipeError(
            f"evaluate.tta={name!r} is not one of {', '.join(VIEWS)}; use one of them"
        )
    return VIEWS[name]


def baseline_tta(tta: str) -> str:
    """The kind an evaluation reports as a baseline: `none`, or `flip` if `tta` is `none`."""
    return "flip" if tta == "none" else "none"


def tta_views(tta: str) -> set[str]:
    """Names of all views that an evaluation with `tta` computes, baseline included.

    Raises:
        RecipeError: `tta` is not a key of `VIEWS`.
    """
    return {name for kind in (tta, baseline_tta(tta)) for name in choose_views(kind)}
