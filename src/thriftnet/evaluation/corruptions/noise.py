"""Gaussian, shot and impulse noise."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_noise(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add normal noise."""
    deviation = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    return images + deviation * torch.randn(images.shape, generator=generator)


def shot_noise(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Poisson noise, with a number of photons at full brightness."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    return torch.poisson(images * photons, generator=generator) / photons


def impulse_noise(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Set a share of the values to 0 or 1 with equal probability."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    draws = torch.rand(images.shape, generator=generator)
    images = torch.where(draws < share / 2, 0.0, images)
    return torch.where((draws >= share / 2) & (draws < share), 1.0, images)
