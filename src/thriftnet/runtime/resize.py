"""Resizes batches of training images."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


def shrink(images: Tensor, side: int) -> Tensor:
    """Resize (N, 3, H, W) uint8 to `side` pixels, with antialiasing."""
    if side == images.shape[-1]:
        return images
    chunks = [
        F.interpolate(part.float(), size=(side, side), mode="bilinear", antialias=True)
        .round_()
        .to(torch.uint8)
        for part in images.split(1000)
    ]
    return torch.cat(chunks).contiguous(memory_format=torch.channels_last)


def as_pixels(
    images: NDArray[np.uint8], side: int, *, at: NDArray[np.int64] | None = None
) -> Tensor:
    """(N, H, W, 3) uint8 arrays as (N, 3, side, side) channels-last tensors.

    Copies once: the cache of a data set is a read-only memory map.

    Args:
        images: The images.
        side: Height and width of the result in pixels.
        at: (n,) positions of the images to take; None: all.
    """
    copied = np.array(images) if at is None else images[at]
    return shrink(torch.from_numpy(copied).permute(0, 3, 1, 2), side)
