"""Rotation, shear and translation: one nearest-neighbour sampler, black outside the image.

The sampler uses the same 16.16 fixed point as Pillow's `Image.transform`, so results equal Pillow's
exactly. Coordinates must be below 2¹⁵, as in Pillow, and batches have fewer than 2³¹ pixels.
"""

import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, to_nhwc
from thriftnet.runtime.device import to_device

_ONE = 65536  # 1.0 in 16.16 fixed point


def draw_angles(count: int, *, degrees: float, generator: torch.Generator) -> Tensor:
    """Draw `(count,)` float64 angles, uniform on −`degrees` to `degrees`."""
    draws = torch.rand(count, dtype=torch.float64, generator=generator)
    return (2 * draws - 1) * degrees


def rotate(images: Tensor, angles: Tensor) -> Tensor:
    """Rotate each image about its centre, as `Image.rotate` does.

    Args:
        images: `(N, 3, H, W)`.
        angles: `(N,)` degrees, counter-clockwise.
    """
    height, width = images.shape[2:]
    centre_x, centre_y = width / 2, height / 2
    radians = -torch.deg2rad(_parameters(angles).remainder(360))
    # Fifteen decimals, so that right angles have exact zeros and ones.
    cos = radians.cos().round(decimals=15)
    sin = radians.sin().round(decimals=15)
    x_shift = cos * -centre_x + sin * -centre_y + centre_x
    y_shift = -sin * -centre_x + cos * -centre_y + centre_y
    return warp(images, torch.stack([cos, sin, x_shift, -sin, cos, y_shift], dim=1))


def shear_x(images: Tensor, factors: Tensor) -> Tensor:
    """Shift each row left by `factors` (`(N,)`) times its height below the top edge."""
    return _warp_one(images, 1, _parameters(factors))


def shear_y(images: Tensor, factors: Tensor) -> Tensor:
    """Shift each column up by `factors` (`(N,)`) times its distance from the left edge."""
    return _warp_one(images, 3, _parameters(factors))


def translate_x(images: Tensor, pixels: Tensor) -> Tensor:
    """Shift each image right by whole `pixels` (`(N,)`; fractions are cut off)."""
    return _warp_one(images, 2, -_parameters(pixels).trunc())


def translate_y(images: Tensor, pixels: Tensor) -> Tensor:
    """Shift each image down by whole `pixels` (`(N,)`; fractions are cut off)."""
    return _warp_one(images, 5, -_parameters(pixels).trunc())


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Sample each image through its own affine map.

    Args:
        images: `(N, 3, H, W)`.
        matrices: `(N, 6)` float64 (a, b, c, d, e, f): the output pixel (x, y) shows the source at
            (a·x + b·y + c, d·x + e·y + f), counted at pixel centres.

    Returns:
        `(N, 3, H, W)`, channels-last, zero where the source lies outside the image.
    """
    count, _, height, width = images.shape
    device = images.device
    a, b, c, d, e, f = matrices.unbind(1)
    fixed = torch.stack([a, b, c + a * 0.5 + b * 0.5, d, e, f + d * 0.5 + e * 0.5])
    # 32-bit integers throughout: this arithmetic takes a tenth of its time in 64 bits on a CPU.
    fixed = to_device((fixed * _ONE + 0.5).floor().int(), device)[..., None, None]  # (6, N, 1, 1)
    x = torch.arange(width, device=device, dtype=torch.int32)
    y = torch.arange(height, device=device, dtype=torch.int32)[:, None]
    source_x = (fixed[2] + fixed[1] * y + fixed[0] * x) >> 16  # (N, H, W)
    source_y = (fixed[5] + fixed[4] * y + fixed[3] * x) >> 16
    # Inside when all four distances to the borders have a clear sign bit: one comparison, not four.
    inside = (source_x | source_y | (width - 1 - source_x) | (height - 1 - source_y)) >= 0
    first = torch.arange(count, device=device, dtype=torch.int32) * (height * width)
    black = count * height * width
    index = torch.where(inside, source_y * width + source_x + first[:, None, None], black)
    pixels = to_nhwc(images).view(-1, 3)
    pixels = torch.cat([pixels, pixels.new_zeros(1, 3)])  # the last pixel is the black one
    return from_nhwc(pixels.index_select(0, index.view(-1)).view(count, height, width, 3))


def _parameters(values: Tensor) -> Tensor:
    """Bring parameters to the CPU in double precision, which Apple's GPUs lack."""
    return values.to("cpu", torch.float64)


def _warp_one(images: Tensor, entry: int, values: Tensor) -> Tensor:
    """Warp by the identity with one entry of each matrix replaced."""
    matrices = torch.eye(2, 3, dtype=torch.float64).view(1, 6).repeat(len(values), 1)
    matrices[:, entry] = values
    return warp(images, matrices)
