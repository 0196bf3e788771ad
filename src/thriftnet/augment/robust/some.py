"""Changes some images of a batch, and copies the others unchanged."""

from collections.abc import Callable

import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, to_nhwc
from thriftnet.runtime.device import to_device


def draw_chosen(count: int, *, share: float, generator: torch.Generator) -> Tensor:
    """Draw `(count,)` bool, each true with probability `share`."""
    return torch.rand(count, generator=generator) < share


def change_some(
    images: Tensor, chosen: Tensor, change: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Replace the chosen images by what `change` makes of them.

    Args:
        images: `(N, 3, H, W)` uint8.
        chosen: `(N,)` bool.
        change: takes `(n, 3, H, W)` uint8, channels-last, and their `(n,)` int64 positions on the
            CPU; returns the same shape and type.

    Returns:
        `(N, 3, H, W)` uint8, channels-last; `images` itself if none is chosen.
    """
    at = chosen.cpu().nonzero().squeeze(1)
    if not len(at):
        return images
    pixels, there = to_nhwc(images), to_device(at, images.device)
    changed = to_nhwc(change(from_nhwc(pixels.index_select(0, there)), at))
    return from_nhwc(pixels.index_copy(0, there, changed))
