"""Snow, frost, fog and brightness."""

from __future__ import annotations

import torch
from torch import Tensor

from thriftnet.evaluation.corruptions.blur import smeared
from thriftnet.evaluation.corruptions.filters import filter_both, uniform, zoom_matrix

_GREY = (0.299, 0.587, 0.114)
_FROST_TINT = (0.80, 0.92, 1.0)


def snow(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Whiten the image and add flakes: noise, magnified, thresholded and smeared."""
    mean, deviation, zoom, least, radius, sigma, kept = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity - 1]
    count, _, side, _ = images.shape
    flakes = mean + deviation * torch.randn((count, 1, side, side), generator=generator)
    flakes = filter_both(flakes, zoom_matrix(side, zoom))
    flakes = torch.where(flakes < least, 0.0, flakes).clamp_(0, 1).mul_(255).floor_()
    angles = uniform((count,), -135, -45, generator)
    flakes = smeared(flakes, radius=radius, sigma=sigma, angles=angles).round_() / 255
    grey = (images * torch.tensor(_GREY)[:, None, None]).sum(dim=1, keepdim=True)
    white = torch.maximum(images, grey * 1.5 + 0.5)
    return kept * images + (1 - kept) * white + flakes + flakes.rot90(2, (2, 3))


def frost(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Overlay ice: ridges of a fractal, instead of the published photographs."""
    kept, strength = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    count, _, side, _ = images.shape
    coarse, fine = (plasma(count, side, decay, generator) for decay in (2.2, 1.6))
    ridges = 0.6 * (1 - (2 * coarse - 1).abs()) ** 3 + 0.4 * (1 - (2 * fine - 1).abs()) ** 2
    ice = (0.25 + 0.75 * ridges)[:, None] * torch.tensor(_FROST_TINT)[:, None, None]
    return kept * images + strength * ice


def fog(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add a cloud and rescale to the original maximum."""
    strength, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    brightest = images.amax(dim=(1, 2, 3), keepdim=True)
    cloud = plasma(len(images), images.shape[-1], decay, generator)[:, None]
    return (images + strength * cloud) * brightest / (brightest + strength)


def brightness(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Raise the value in HSV."""
    added = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    value = images.amax(dim=1, keepdim=True)
    raised = (value + added).clamp(max=1)
    return torch.where(value > 0, images * (raised / value.clamp(min=1e-6)), raised)


def plasma(count: int, side: int, decay: float, generator: torch.Generator) -> Tensor:
    """(count, side, side) clouds in [0, 1] by the periodic diamond-square algorithm.

    Args:
        count: Number of clouds.
        side: In pixels.
        decay: Factor between the amplitudes of successive scales.
        generator: For the draws.
    """
    step = size = 1 << max(1, (side - 1).bit_length())
    field, wobble = torch.zeros(count, size, size), 100.0

    def between(four: Tensor) -> Tensor:
        return four / 4 + wobble * uniform(tuple(four.shape), -wobble, wobble, generator)

    while step >= 2:
        half = step // 2
        corners = field[:, ::step, ::step].clone()
        pairs = corners + corners.roll(-1, 1)
        field[:, half::step, half::step] = between(pairs + pairs.roll(-1, 2))
        middles = field[:, half::step, half::step].clone()
        four = middles + middles.roll(1, 1) + corners + corners.roll(-1, 2)
        field[:, ::step, half::step] = between(four)
        four = middles + middles.roll(1, 2) + corners + corners.roll(-1, 1)
        field[:, half::step, ::step] = between(four)
        step, wobble = half, wobble / decay
    field = field - field.amin(dim=(1, 2), keepdim=True)
    return (field / field.amax(dim=(1, 2), keepdim=True))[:, :side, :side]
