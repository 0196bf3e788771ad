"""A test picture and its expected pixels in each format, by formulas without a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 28, 44
Shown = NDArray[Any]
"""(H, W, 3), 0 to 255, on white."""


@dataclass(frozen=True)
class Case:
    """One picture file."""

    name: str
    """Name with suffix."""
    content: bytes
    expected: Shown | str
    """Expected pixels, or a part of the error."""
    tolerance: float = 0.6
    """Allowed mean difference in levels: truncating 16 bits to 8 gives 0.5."""


def _scene() -> Shown:
    """The scene, without symmetries: any rotation, flip or swap of channels is visible."""
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    return np.stack([20 + 215 * x, 235 - 200 * y, 30 + 100 * x + 100 * y * (1 - x)], axis=2)


RGB = np.rint(_scene()).astype(np.int64)
RGB_16 = np.rint(_scene() * 257).astype(np.int64)
GREY = np.rint(_scene() @ (0.6, 0.3, 0)).astype(np.int64)
GREY_16 = np.rint(_scene() @ (0.6, 0.3, 0) * 257).astype(np.int64)
ALPHA = np.clip(np.indices((HEIGHT, WIDTH)).sum(0) * 5, 0, 255)
BITS = GREY > 127
PALETTE = np.random.default_rng(0).integers(0, 256, (256, 3))
INDEX = np.indices((HEIGHT, WIDTH)).sum(0) * 3
XYZ_TO_SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
"""From XYZ under D50 to linear sRGB (Lindbloom, by Bradford's adaptation)."""
DISPLAY_P3 = (0.51512, 0.29198, 0.1571), (0.2412, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407)
ADOBE_RGB = (0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457)
"""From linear RGB to XYZ under D50."""


def on_white(colours: NDArray[Any], alpha: NDArray[Any]) -> Shown:
    """8-bit colours composed on white."""
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def grey(values: NDArray[Any], top: float = 255) -> Shown:
    """Grey as RGB."""
    return np.repeat(values[..., None] * (255 / top), 3, axis=2)


def stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A picture as stored with an EXIF orientation."""
    if orientation >= 5:
        upright = upright.swapaxes(0, 1)
    down = orientation in (3, 4, 6, 7)
    left = orientation in (2, 3, 7, 8)
    return np.ascontiguousarray(upright[:: -1 if down else 1, :: -1 if left else 1])


def of_depth(bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """RGB, grey and alpha of 8 or 16 bits."""
    return (RGB, GREY, ALPHA) if bits == 8 else (RGB_16, GREY_16, ALPHA * 257)


def encoded(linear: NDArray[Any]) -> Shown:
    """Linear light, 0 to 1, as sRGB levels (IEC 61966-2-1)."""
    low, high = linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= 0.0031308, low, high)


def ycbcr() -> NDArray[np.int64]:
    """The scene in JPEG's YCbCr (JFIF)."""
    y = RGB @ (0.299, 0.587, 0.114)
    blue, red = 128 + (RGB[..., 2] - y) * 0.564, 128 + (RGB[..., 0] - y) * 0.713
    return np.dstack([y, blue, red]).round().clip(0, 255).astype(np.int64)


def of_lab(lab: NDArray[Any]) -> Shown:
    """CIE L*a*b* under D50 as sRGB levels."""
    middle = (lab[..., 0] + 16) / 116
    roots = np.stack([middle + lab[..., 1] / 500, middle, middle - lab[..., 2] / 200], axis=2)
    cubes = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29))
    return encoded(np.clip(cubes * (0.9642, 1, 0.8249) @ XYZ_TO_SRGB.T, 0, 1))
