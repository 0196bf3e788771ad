"""Test-time augmentation: the views of an image whose logits are averaged."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from thriftnet.errors import RecipeError

Forward = Callable[[Tensor], Tensor]
Views = Callable[[Forward, Tensor], Tensor]


def plain(forward: Forward, images: Tensor) -> Tensor:
    """Each image once."""
    return forward(images)


def flip(forward: Forward, images: Tensor) -> Tensor:
    """Each image and its mirror image, in equal parts."""
    return 0.5 * forward(images) + 0.5 * forward(images.flip(-1))


def flip_shift(forward: Forward, images: Tensor) -> Tensor:
    """Six views, as airbench reads: mirrored or not, in place and shifted by a pixel.

    The image in place counts half; shifted up-left and down-right, a quarter each. Pixels that
    a shift brings in are reflections.
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    up_left = padded[:, :, 2:, 2:]
    down_right = padded[:, :, :height, :width]
    shifted = 0.5 * flip(forward, up_left) + 0.5 * flip(forward, down_right)
    return 0.5 * flip(forward, images) + 0.5 * shifted


VIEWS: dict[str, Views] = {
    "none": plain,
    "flip": flip,
    "flip_shift": flip_shift,
}


def choose_views(name: str) -> Views:
    """The way of reading that `name` stands for.

    Raises:
        RecipeError: It is not a key of `VIEWS`.
    """
    if name not in VIEWS:
        raise RecipeError(
            f"evaluate.tta={name!r} is not one of {', '.join(VIEWS)}; use one of them"
        )
    return VIEWS[name]
