"""Contrast, elastic transform, pixelation and JPEG."""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from thriftnet.evaluation.corruptions.filters import (
    box_matrix,
    filter_both,
    gaussian_matrix,
    sample,
    uniform,
)


def contrast(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Reduce the contrast around each channel's mean."""
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    mean = images.mean(dim=(2, 3), keepdim=True)
    return (images - mean) * factor + mean


def elastic_transform(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Random affine map of three points, then a smooth displacement field.

    Constants are relative to the image side.
    """
    strength, sigma, moved = (
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity - 1]
    count, _, side, _ = images.shape
    middle, third = side // 2, side // 3
    x, y = middle + third, middle - third
    points = torch.tensor([[x, x], [x, y], [y, y]], dtype=torch.float32)
    there = points + uniform((count, 3, 2), -moved * side, moved * side, generator)
    images = _moved_back(images, there, points)
    if not strength:
        return images
    noise = uniform((count, 2, side, side), -1, 1, generator)
    smooth = gaussian_matrix(side, sigma * side, mode="reflect", truncate=3.0)
    right, down = (filter_both(noise, smooth) * (strength * side)).unbind(1)
    line = torch.arange(side)
    return sample(images, line[:, None] + down, line + right, halfway=True)


def _moved_back(images: Tensor, there: Tensor, points: Tensor) -> Tensor:
    """Images under the affine map from `points` to `there`, (N, 3, 2) of (x, y) in pixels."""
    count, _, side, _ = images.shape
    known = torch.cat([there, torch.ones(count, 3, 1)], dim=2)
    matrix = torch.linalg.solve(known, points.expand(count, 3, 2))  # (N, 3, 2)
    line = torch.arange(side, dtype=torch.float32)
    x, y = line.expand(side, side), line[:, None].expand(side, side)
    grid = torch.stack([x, y, torch.ones(side, side)], dim=-1) @ matrix[:, None]  # (N, H, W, 2)
    return sample(images, grid[..., 1], grid[..., 0], halfway=False)


def pixelate(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Downscale and upscale with Pillow's box filter."""
    side = images.shape[-1]
    small = max(1, int(side * (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]))
    down, up = box_matrix(side, small), box_matrix(small, side)
    pixels = (images * 255 @ down.T + 0.5).floor_()  # Pillow rounds after each direction
    return filter_both((down @ pixels + 0.5).floor_(), up) / 255


def jpeg_compression(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    """Save as JPEG and read again."""
    quality = (80, 65, 58, 50, 40)[severity - 1]
    pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(jpeg_copies(pixels, quality=quality)).permute(0, 3, 1, 2) / 255


def jpeg_copies(images: NDArray[np.uint8], *, quality: int) -> NDArray[np.uint8]:
    """(N, H, W, 3) images saved as JPEG by Pillow and read again."""
    copies = np.empty_like(images)
    for copy, image in zip(copies, images, strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        with Image.open(file) as picture:
            copy[:] = np.asarray(picture)
    return copies
