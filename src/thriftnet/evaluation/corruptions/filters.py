"""Building blocks of corruptions: separable filters as matrices, shifts and sampling.

A separable filter of small images is a matrix product from each side, including its border mode.
The matrices are the result of SciPy's and Pillow's functions for the identity matrix.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

PUBLISHED_SIDE = 32
"""Image side in pixels for which CIFAR-10-C's lengths are defined."""


@functools.lru_cache(maxsize=64)
def gaussian_matrix(
    side: int, sigma: float, *, mode: str = "nearest", truncate: float = 4.0
) -> Tensor:
    """(side, side) matrix that blurs a column with a standard deviation of `sigma` pixels."""
    from scipy import ndimage

    return torch.from_numpy(
        ndimage.gaussian_filter1d(np.eye(side), sigma, axis=0, mode=mode, truncate=truncate)
    ).float()


@functools.lru_cache(maxsize=64)
def zoom_matrix(side: int, factor: float) -> Tensor:
    """(side, side) matrix that magnifies the middle of a column `factor` times, linearly."""
    from scipy import ndimage

    kept = int(np.ceil(side / factor))
    top = (side - kept) // 2
    large = np.asarray(ndimage.zoom(np.eye(side)[top : top + kept], (factor, 1), order=1))
    trim = (len(large) - side) // 2
    return torch.from_numpy(large[trim : trim + side]).float()


@functools.lru_cache(maxsize=64)
def box_matrix(side: int, new_side: int) -> Tensor:
    """(new_side, side) matrix of Pillow's box filter."""
    unit = Image.fromarray(np.eye(side, dtype=np.float32))
    return torch.from_numpy(np.array(unit.resize((side, new_side), Image.Resampling.BOX)))


def filter_both(images: Tensor, matrix: Tensor) -> Tensor:
    """Filter the columns and the rows of (..., side, side) images by one matrix."""
    return matrix @ (images @ matrix.T)


def disk(radius: float, alias: float) -> Tensor:
    """(K, K) kernel: a disk of that radius in pixels, its edge smoothed by a 3×3 Gaussian."""
    from scipy import ndimage

    reach = int(np.ceil(radius)) + 1
    line = np.arange(-reach, reach + 1)
    kernel = (line[:, None] ** 2 + line**2 <= radius**2).astype(np.float64)
    smooth = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * alias**2))
    smooth = smooth / smooth.sum()
    for axis in (0, 1):
        kernel = ndimage.correlate1d(kernel, smooth, axis=axis, mode="constant")
    return torch.from_numpy(kernel / kernel.sum()).float()


def correlate(images: Tensor, kernel: Tensor) -> Tensor:
    """Correlate each channel of (N, C, H, W) images with a kernel, mirrored at pixel centres."""
    reach, channels = kernel.shape[-1] // 2, images.shape[1]
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    return F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)


def shifted(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Take each pixel from the position `down` and `right` of it; edges are repeated.

    Args:
        images: (N, C, H, W).
        down: (N, 1, 1) or (N, H, W) int64 rows.
        right: Columns, likewise.
    """
    count, channels, height, width = images.shape
    rows = (torch.arange(height)[:, None] + down).clamp_(0, height - 1)
    columns = (torch.arange(width) + right).clamp_(0, width - 1)
    at = (rows * width + columns).expand(count, height, width).reshape(count, 1, -1)
    found = images.flatten(2).gather(2, at.expand(-1, channels, -1))
    return found.view_as(images)


def sample(images: Tensor, rows: Tensor, columns: Tensor, *, halfway: bool) -> Tensor:
    """Sample images with linear interpolation.

    Args:
        images: (N, C, H, W).
        rows: (N, H, W) source rows of each pixel, from the first row's centre.
        columns: (N, H, W) source columns, likewise.
        halfway: Whether borders mirror at pixel edges instead of centres.
    """
    height, width = images.shape[-2:]
    if halfway:
        grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    else:
        grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], dim=-1)
    return F.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=not halfway
    )


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform draws."""
    return low + (high - low) * torch.rand(shape, generator=generator)


def scale_of(images: Tensor) -> float:
    """Factor on CIFAR-10-C's lengths for larger images; at least 1."""
    return max(1.0, images.shape[-1] / PUBLISHED_SIDE)
