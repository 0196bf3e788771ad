"""Gaussian noise on a share of the images, each with its own strength.

Training on images of which half have noise is a strong baseline against all corruptions (Rusak et
al., arXiv 2001.06057; Kireev et al., arXiv 2103.02325).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, to_nhwc
from thriftnet.augment.robust.normals import draw_places, normals
from thriftnet.augment.robust.some import change_some, draw_chosen
from thriftnet.runtime.device import to_device


class NoiseDraws(NamedTuple):
    """What is drawn for a batch."""

    chosen: Tensor
    """`(N,)` bool."""
    deviations: Tensor
    """`(N,)` float32 standard deviations on the scale 0 to 1."""
    places: Tensor
    """`(N,)` int64 of `normals`."""


def draw_noise(
    count: int, *, share: float, deviation: float, generator: torch.Generator
) -> NoiseDraws:
    """Draw which images get noise, and standard deviations uniform on 0 to `deviation`."""
    return NoiseDraws(
        draw_chosen(count, share=share, generator=generator),
        deviation * torch.rand(count, generator=generator),
        draw_places((count,), generator=generator),
    )


def add_noise(images: Tensor, drawn: NoiseDraws) -> Tensor:
    """Add noise to the chosen images of `(N, 3, H, W)` uint8; levels are rounded and clipped."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        pixels = to_nhwc(part)
        noise = normals(drawn.places[at], tuple(pixels.shape[1:]), device=part.device)
        noise.mul_(to_device(255 * drawn.deviations[at], part.device).view(-1, 1, 1, 1))
        return from_nhwc(noise.add_(pixels).round_().clamp_(0, 255).to(torch.uint8))

    return change_some(images, drawn.chosen, change)
