"""Cutout: erases one square of each image (DeVries and Taylor, arXiv 1708.04552)."""

import torch
from torch import Tensor

from thriftnet.runtime.device import to_device


def draw_centres(
    count: int, *, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the centre of each square: rows `(count,)` and columns `(count,)` int64, uniform."""
    rows = torch.randint(height, (count,), generator=generator)
    return rows, torch.randint(width, (count,), generator=generator)


def cutout_(images: Tensor, rows: Tensor, columns: Tensor, *, side: int) -> Tensor:
    """Set a square of each image to zero; squares are clipped at the border.

    On normalised images zero is the mean colour. In place, unlike the other operations, as
    allocating a second batch of floats would take much longer than the erasing.

    Args:
        images: `(N, 3, H, W)` float, channels-last; changed.
        rows: `(N,)` int64 rows of the centres. A square covers `side` // 2 pixels before its
            centre and the rest from the centre on.
        columns: `(N,)` int64 columns of the centres.
        side: of the square, in pixels, at least 1.

    Returns:
        `images`.
    """
    count, _, height, width = images.shape
    # The pixels of each square by number, (N, side, side): far fewer than a mask would touch.
    first = torch.arange(count)[:, None] * height
    y = first + _positions(rows, side=side, length=height)
    pixels = y[:, :, None] * width + _positions(columns, side=side, length=width)[:, None, :]
    memory = images.permute(0, 2, 3, 1).view(-1, 3)  # a view, or an error if not channels-last
    memory.index_fill_(0, to_device(pixels.view(-1), images.device), 0)
    return images


def _positions(centres: Tensor, *, side: int, length: int) -> Tensor:
    """List the rows (or columns) that squares cover, `(N, side)` int64.

    Positions beyond the border are clamped to it, where the square is already, as its centre lies
    in the image.
    """
    first = centres.cpu()[:, None] - side // 2
    return (first + torch.arange(side)).clamp(0, length - 1)
