"""Channel means and standard deviations of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]
_AT_ONCE = 1000
_LEAST_STD = 1 / 255
"""Lower limit of the standard deviation, for constant channels."""


def channel_sums(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Sums of the red, green and blue values of each image, then of their squares.

    Args:
        images: (N, H, W, 3).

    Returns:
        (N, 6).
    """
    found = np.empty((len(images), 6), np.int64)
    for start in range(0, len(images), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        values = images[some].astype(np.uint32)
        found[some, :3] = values.sum((1, 2))
        found[some, 3:] = (values * values).sum((1, 2))
    return found


def statistics(sums: NDArray[np.int64], pixels: int) -> tuple[Triple, Triple]:
    """Mean and standard deviation of each channel, in units of 0 to 1.

    Args:
        sums: (N, 6), from `channel_sums`.
        pixels: Number of pixels per image.
    """
    total = sums.sum(0, dtype=np.int64) / (len(sums) * pixels)
    mean, square = total[:3] / 255, total[3:] / 255**2
    std = np.sqrt(np.maximum(square - mean**2, _LEAST_STD**2))
    return (
        (float(mean[0]), float(mean[1]), float(mean[2])),
        (float(std[0]), float(std[1]), float(std[2])),
    )
