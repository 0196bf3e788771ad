"""Defocus, glass, motion and zoom blur."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from thriftnet.evaluation.corruptions.filters import (
    correlate,
    disk,
    filter_both,
    gaussian_matrix,
    scale_of,
    shifted,
    uniform,
    zoom_matrix,
)


def defocus_blur(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Spread each pixel over a disk."""
    radius, alias = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    return correlate(images, disk(radius * scale_of(images), alias))


def glass_blur(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Blur, replace each pixel by a random neighbour, blur.

    The published generator intends to swap the two, but assigns through views, so that it copies
    instead. The published files have that.
    """
    sigma, reach, rounds = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))[
        severity - 1
    ]
    count, _, side, _ = images.shape
    blur = gaussian_matrix(side, sigma * scale_of(images))
    reach = max(1, round(reach * scale_of(images)))
    images = (filter_both(images, blur) * 255).clamp_(0, 255).floor_()
    inner = torch.zeros(side, dtype=torch.int64)
    inner[reach + 1 : side - reach + 1] = 1
    inside = inner[:, None] * inner
    for _ in range(rounds):
        down, right = torch.randint(-reach, reach, (2, count, side, side), generator=generator)
        images = shifted(images, down * inside, right * inside)
    return filter_both(images / 255, blur)


def motion_blur(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Smear along a line within 45 degrees of the horizontal."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    angles = uniform((len(images),), -45, 45, generator)
    return smeared(images, radius=radius, sigma=sigma, angles=angles)


def smeared(images: Tensor, *, radius: float, sigma: float, angles: Tensor) -> Tensor:
    """Convolve images with half a Gaussian along a line, by ImageMagick's documentation.

    Args:
        images: (N, C, H, W).
        radius: Half the number of taps, in pixels of a 32-pixel image.
        sigma: Of the Gaussian, in pixels of a 32-pixel image.
        angles: (N,) degrees.
    """
    scale = scale_of(images)
    taps = torch.arange(2 * math.ceil(radius * scale) + 1)
    weights = torch.exp(-(taps**2) / (2 * (sigma * scale) ** 2))
    weights = weights / weights.sum()
    directions = torch.deg2rad(angles)[:, None, None]
    found = torch.zeros_like(images)
    for tap, weight in zip(taps.tolist(), weights.tolist(), strict=True):
        if weight > 1e-5:  # omits at most 0.1 of a level
            down = torch.ceil(tap * directions.sin() - 0.5).long()
            right = torch.ceil(tap * directions.cos() - 0.5).long()
            found.add_(shifted(images, down, right), alpha=weight)
    return found


def zoom_blur(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Average the image and its magnifications in steps of 0.01."""
    largest = (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1]
    count, channels, side, _ = images.shape
    matrices = [zoom_matrix(side, float(factor)) for factor in np.arange(1, largest, 0.01)]
    # Every magnification at once: its columns side by side, its rows summed by one product.
    columns = torch.cat(matrices) @ images.reshape(-1, side, side)  # (N·C, F·side, side)
    columns = columns.view(-1, len(matrices), side, side).transpose(1, 2)
    summed = columns.reshape(-1, len(matrices) * side) @ torch.cat([m.T for m in matrices])
    return (images + summed.view(count, channels, side, side)) / (len(matrices) + 1)
