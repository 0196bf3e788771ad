"""The table of corruptions by name, and applying one to images."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.errors import RecipeError
from thriftnet.evaluation.corruptions import blur, digital, noise, weather

SEVERITIES = 5
_PIXELS_AT_ONCE = 500 * 32 * 32

Corruption = Callable[[Tensor, int, torch.Generator], Tensor]

PUBLISHED: dict[str, Corruption] = {
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "impulse_noise": noise.impulse_noise,
    "defocus_blur": blur.defocus_blur,
    "glass_blur": blur.glass_blur,
    "motion_blur": blur.motion_blur,
    "zoom_blur": blur.zoom_blur,
    "snow": weather.snow,
    "frost": weather.frost,
    "fog": weather.fog,
    "brightness": weather.brightness,
    "contrast": digital.contrast,
    "elastic_transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg_compression": digital.jpeg_compression,
}
"""Each maps (N, 3, side, side) float32 in [0, 1], a severity from 1 to 5 and a generator to the
same shape; values are clipped to [0, 1]. Names and order are those of the published files.
`evaluate --robust` reports their mean, which another kind would make incomparable."""

CORRUPTIONS: dict[str, Corruption] = {**PUBLISHED}
"""All, by the names of `evaluate --corruption NAME:SEVERITY`; kinds that were not published follow
the others here."""

OWN = ("motion_blur", "frost")
"""Implemented differently from the published ones."""


def check_corruption(text: str) -> tuple[str, int]:
    """Parse a corruption such as `contrast:3`.

    Raises:
        RecipeError: The corruption or its severity is unknown.
    """
    name, _, severity = text.partition(":")
    if name not in CORRUPTIONS or severity not in map(str, range(1, SEVERITIES + 1)):
        raise RecipeError(
            f"--corruption {text} is not NAME:SEVERITY; use one of {', '.join(CORRUPTIONS)} "
            f"with a severity from 1 to {SEVERITIES}, such as contrast:3"
        )
    return name, int(severity)


def every_corruption() -> Iterator[tuple[str, int]]:
    """All published names with all severities."""
    return ((name, severity) for name in PUBLISHED for severity in range(1, SEVERITIES + 1))


def corrupt(images: NDArray[np.uint8], corruption: str) -> NDArray[np.uint8]:
    """(N, side, side, 3) uint8 images under a corruption such as `contrast:3`.

    Draws are seeded by corruption, severity and position, so that the same images are corrupted in
    the same way in every evaluation.

    Raises:
        RecipeError: The corruption or its severity is unknown.
    """
    name, severity = check_corruption(corruption)
    found = np.empty_like(images)
    at_once = max(1, _PIXELS_AT_ONCE // max(1, images.shape[1] * images.shape[2]))
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        pixels = torch.from_numpy(np.array(images[part])).permute(0, 3, 1, 2)
        generator = torch.Generator().manual_seed(zlib.crc32(f"{corruption} {start}".encode()))
        out = CORRUPTIONS[name](pixels.contiguous() / 255, severity, generator)
        # The published generator truncates; 0.01 protects integers from float32 rounding.
        levels = out.clamp_(0, 1).mul_(255).add_(0.01).to(torch.uint8)
        found[part] = levels.permute(0, 2, 3, 1).numpy()
    return found
