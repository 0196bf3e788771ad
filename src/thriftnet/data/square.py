"""Converts pictures of any shape to squares of a given size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.options import Fit

_WHITE = (255, 255, 255)
"""Also used behind transparency."""


def make_square(
    rgb: Image.Image,
    width: int,
    height: int,
    *,
    scale: int,
    size: int,
    fit: Fit,
    mirrored: tuple[bool, bool] = (False, False),
) -> Image.Image:
    """Make a picture square and resize it with an antialiased Lanczos filter.

    Args:
        rgb: The picture at 1 / scale.
        width: Of the full-size picture, in pixels.
        height: Of the full-size picture, in pixels.
        scale: Reduction of `rgb` in decoding; its last row and column may be partial.
        size: Height and width to return, in pixels.
        fit: `crop` keeps the central square, `pad` adds white on two sides, `squash` compresses the
            longer side.
        mirrored: Whether columns and rows are in reverse order, as of a picture that is turned
            later: of an odd number of pixels beside the square, the upright left and top have less.
    """
    if rgb.size == (width, height) == (size, size):
        return rgb
    across, down = mirrored
    if fit == "crop":
        side = min(width, height)
        part = _margin(width - side, across), _margin(height - side, down), side, side
        return _resized(rgb, part, scale, (size, size))
    if fit == "squash":
        return _resized(rgb, (0, 0, width, height), scale, (size, size))
    longer = max(width, height)
    wide, high = (max(1, round(side * size / longer)) for side in (width, height))
    inner = _resized(rgb, (0, 0, width, height), scale, (wide, high))
    if wide == high:
        return inner
    square = Image.new("RGB", (size, size), _WHITE)
    square.paste(inner, (_margin(size - wide, across), _margin(size - high, down)))
    return square


def padded_off_centre(sizes: NDArray[np.integer], size: int) -> NDArray[np.bool_]:
    """Which pictures `pad` leaves one column less on the left than on the right.

    Args:
        sizes: (N, 2) width and height before resizing.
        size: Height and width after it.
    """
    wide = np.maximum(1, np.rint(sizes[:, 0] * size / sizes.max(axis=1)))
    return (size - wide) % 2 == 1


def _margin(spare: int, mirrored: bool) -> int:
    return spare - spare // 2 if mirrored else spare // 2


def _resized(
    rgb: Image.Image, part: tuple[int, int, int, int], scale: int, to: tuple[int, int]
) -> Image.Image:
    """Crop (left, top, width, height in full-size pixels) and resize.

    Crops first, as with `resize(box=…)` alone the filter would use pixels outside. Fractions of a
    reduced pixel are cut by the box.
    """
    left, top, wide, high = part
    x, y, right, bottom = (edge / scale for edge in (left, top, left + wide, top + high))
    x0, y0 = math.floor(x), math.floor(y)
    cut = rgb.crop((x0, y0, math.ceil(right), math.ceil(bottom)))
    box = (x - x0, y - y0, right - x0, bottom - y0)
    return cut.resize(to, Image.Resampling.LANCZOS, box=box)


def square_array(pixels: NDArray[np.uint8], *, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Convert pixels to a square RGB picture, with transparency over white.

    Args:
        pixels: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8.
        size: Height and width to return, in pixels.
        fit: As in `make_square`.

    Returns:
        (size, size, 3) uint8.
    """
    flat = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    picture = Image.fromarray(np.ascontiguousarray(flat))
    if picture.mode == "RGBA":
        background = Image.new("RGBA", picture.size, (*_WHITE, 255))
        picture = Image.alpha_composite(background, picture)
    rgb = picture.convert("RGB")
    return np.array(make_square(rgb, *rgb.size, scale=1, size=size, fit=fit))
