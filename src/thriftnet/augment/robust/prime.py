"""Primitives like those of PRIME (Modas et al., arXiv 2112.13547): random filters, colours, warps.

Each has a strength that is drawn from zero on, so that small changes are as likely as large ones.
Three changed copies are mixed with the image. A copy goes through one primitive, where the paper
has up to three: the mixture has three of them at a third of the cost.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.augment.layout import from_planes, to_planes
from thriftnet.augment.operations import apply_each
from thriftnet.augment.robust.chains import WIDTH, Chains, draw_chains, mix_chains
from thriftnet.augment.robust.normals import draw_places, normals
from thriftnet.runtime.device import to_device

_FREQUENCIES, _FIRST = 20, 80
_MODES = 6
_PUBLISHED_SIDE = 32


def random_filter(images: Tensor, deviations: Tensor, places: Tensor) -> Tensor:
    """Filter each image by a unit impulse plus normal numbers, 3×3, the same for its channels.

    Args:
        images: `(N, 3, H, W)` uint8.
        deviations: `(N,)` of the numbers.
        places: `(N,)` int64 of `normals`.
    """
    count, _, height, width = images.shape
    kernels = normals(places, (9,), device=images.device)
    kernels = kernels * to_device(deviations.float(), images.device)[:, None]
    kernels[:, 4] += 1
    around = F.pad(to_planes(images), (1, 1, 1, 1), mode="replicate")
    found = torch.zeros(count, 3, height, width, device=images.device)
    for place in range(9):
        row, column = divmod(place, 3)
        part = around[:, :, row : row + height, column : column + width]
        found += part * kernels[:, place].view(-1, 1, 1, 1)
    return from_planes(found.round_().clamp_(0, 255))


def random_colours(images: Tensor, deviations: Tensor, places: Tensor) -> Tensor:
    """Add to each level a sum of sines of it, other ones in each channel.

    Twenty neighbouring frequencies, of which the place decides the first.

    Args:
        images: `(N, 3, H, W)` uint8.
        deviations: `(N,)` of the amplitudes, on the scale 0 to 1.
        places: `(N,)` int64 of `normals`.
    """
    device = images.device
    level = torch.arange(256, device=device) / 255
    first = 1 + places % _FIRST
    frequency = to_device(first[:, None] + torch.arange(_FREQUENCIES), device)
    waves = torch.sin(math.pi * frequency[:, :, None] * level)  # (N, frequencies, 256)
    amplitudes = normals(places, (3, _FREQUENCIES), device=device)
    amplitudes = amplitudes * to_device(deviations.float(), device).view(-1, 1, 1)
    table = ((level + amplitudes @ waves) * 255).round_().clamp_(0, 255)  # (N, 3, 256)
    planes = images.contiguous()
    index = planes.flatten(2).long()
    return from_planes(table.gather(2, index).view(planes.shape))


def random_warp(images: Tensor, deviations: Tensor, places: Tensor) -> Tensor:
    """Move each pixel by a smooth field that is zero at the border: sines of low frequencies.

    Args:
        images: `(N, 3, H, W)` uint8.
        deviations: `(N,)` of the slowest wave, in pixels of an image of 32; faster ones have less
            in proportion to their frequency.
        places: `(N,)` int64 of `normals`.
    """
    count, _, height, width = images.shape
    device = images.device
    waves = normals(places, (2, _MODES, _MODES), device=device) * _damping(device)
    waves = waves * (to_device(deviations.float(), device) / _PUBLISHED_SIDE).view(-1, 1, 1, 1)
    rows, columns = (_sines(side, device) for side in (height, width))
    moved = rows.T @ waves @ columns  # (N, 2, H, W), in sides of the image
    y, x = ((2 * torch.arange(side, device=device) + 1) / side - 1 for side in (height, width))
    grid = torch.stack([x + 2 * moved[:, 0], y[:, None] + 2 * moved[:, 1]], dim=-1)
    found = F.grid_sample(
        to_planes(images), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return from_planes(found.round_().clamp_(0, 255).view(count, 3, height, width))


@functools.lru_cache(maxsize=8)
def _sines(side: int, device: torch.device) -> Tensor:
    """`(modes, side)` half waves over the pixels' centres, from slow to fast."""
    at = (torch.arange(side) + 0.5) / side
    return torch.sin(math.pi * torch.arange(1, _MODES + 1)[:, None] * at).to(device)


@functools.lru_cache(maxsize=4)
def _damping(device: torch.device) -> Tensor:
    """`(modes, modes)`: 1 of the slowest wave, less in proportion to the frequency of others."""
    squares = torch.arange(1, _MODES + 1) ** 2
    return (2 / (squares[:, None] + squares)).sqrt().to(device)


PRIMITIVES = {
    "filter": (random_filter, 4 / 9),
    "colours": (random_colours, 0.05),
    "warp": (random_warp, 1.0),
}
"""Each with the largest deviation that is drawn, in its own unit."""


def draw_prime(count: int, *, share: float, generator: torch.Generator) -> Chains:
    """Draw the chains of `count` images: one primitive a copy, its strength and its place."""
    shape = (count, WIDTH, 1)
    numbers = torch.randint(len(PRIMITIVES), shape, generator=generator)
    largest = torch.tensor([most for _, most in PRIMITIVES.values()], dtype=torch.float64)
    strength = torch.rand(shape, generator=generator, dtype=torch.float64)
    places = draw_places(shape, generator=generator)
    return draw_chains(
        numbers, strength * largest[numbers], places, share=share, generator=generator
    )


def prime(images: Tensor, drawn: Chains) -> Tensor:
    """Mix the chosen images of `(N, 3, H, W)` uint8 with copies of themselves."""
    operations = [operation for operation, _ in PRIMITIVES.values()]

    def step(copies: Tensor, numbers: Tensor, magnitudes: Tensor, places: Tensor) -> Tensor:
        return apply_each(copies, operations, numbers, magnitudes, places)

    return mix_chains(images, drawn, step)
