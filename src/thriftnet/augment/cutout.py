"""Cutout: one square of each image is blanked (DeVries and Taylor, arXiv 1708.04552)."""

import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, to_nhwc


def draw_centres(
    count: int, *, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the centre of each square: rows `(count,)` and columns `(count,)` int64, uniform."""
    rows = torch.randint(height, (count,), generator=generator)
    return rows, torch.randint(width, (count,), generator=generator)


def cutout(images: Tensor, rows: Tensor, columns: Tensor, *, side: int) -> Tensor:
    """Set a square of each image to zero; it may hang over the border, which leaves less of it.

    On normalised images zero is the mean colour.

    Args:
        images: `(N, 3, H, W)` float.
        rows: `(N,)` int64 rows of the centres. A square covers `side` // 2 pixels before its
            centre and the rest from the centre on.
        columns: `(N,)` int64 columns of the centres.
        side: of the square, in pixels, at least 1.

    Returns:
        `(N, 3, H, W)`, channels-last.
    """
    count, _, height, width = images.shape
    # The pixels of each square by number, (N, side, side): far fewer than a mask would touch.
    first = torch.arange(count)[:, None] * height
    y = first + _positions(rows, side=side, length=height)
    pixels = y[:, :, None] * width + _positions(columns, side=side, length=width)[:, None, :]
    blanked = to_nhwc(images).clone().view(-1, 3)
    blanked.index_fill_(0, pixels.view(-1).to(images.device), 0)
    return from_nhwc(blanked.view(count, height, width, 3))


def _positions(centres: Tensor, *, side: int, length: int) -> Tensor:
    """List the rows (or columns) that squares cover, `(N, side)` int64.

    What hangs over the border is moved onto it, where the square is already: every square holds
    its centre, which lies in the image.
    """
    first = centres.cpu()[:, None] - side // 2
    return (first + torch.arange(side)).clamp(0, length - 1)
