"""Rotations by multiples of 90 degrees, for pictures without a natural orientation."""

import torch
from torch import Tensor

from thriftnet.runtime.device import to_device


def draw_turns(count: int, *, generator: torch.Generator) -> Tensor:
    """Draw `(count,)` int64 numbers of quarter turns, uniform in 0 to 3."""
    return torch.randint(4, (count,), generator=generator)


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Rotate each image counter-clockwise, without resampling.

    Args:
        images: `(N, 3, H, H)`, square.
        turns: `(N,)` int64 quarter turns, 0 to 3.

    Returns:
        `(N, 3, H, H)`, channels-last.

    Raises:
        ValueError: The images are not square.
    """
    height, width = images.shape[2:]
    if height != width:
        raise ValueError(f"quarter turns need square images, not {height} by {width}")
    turned = images.clone(memory_format=torch.channels_last)
    turns = turns.cpu()
    for quarters in (1, 2, 3):
        at = to_device((turns == quarters).nonzero().squeeze(1), images.device)
        turned[at] = torch.rot90(images[at], quarters, (2, 3))
    return turned
