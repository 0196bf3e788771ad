"""JPEG's loss, batched: what libjpeg's coder and decoder make of an image, without the file.

Colours to luma and chroma, chroma at half the resolution (4:2:0), a cosine transform of blocks of
8×8 pixels, coefficients rounded to multiples of the tables of ITU-T T.81, annex K, scaled by the
quality as libjpeg scales them, and all of it back. Chroma is enlarged by libjpeg's triangle filter.
"""

import functools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.augment.layout import from_planes, to_planes
from thriftnet.augment.robust.some import change_some, draw_chosen
from thriftnet.runtime.device import to_device

BEST_QUALITY = 95
"""The highest that is drawn: what remains above it cannot be seen."""

# fmt: off
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, *(99,) * 38,
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
# fmt: on


class JpegDraws(NamedTuple):
    """What is drawn for a batch."""

    chosen: Tensor
    """`(N,)` bool."""
    qualities: Tensor
    """`(N,)` int64, 1 to 95."""


def draw_jpeg(count: int, *, share: float, quality: int, generator: torch.Generator) -> JpegDraws:
    """Draw which images become JPEG copies, and qualities uniform on `quality` to 95."""
    return JpegDraws(
        draw_chosen(count, share=share, generator=generator),
        torch.randint(quality, BEST_QUALITY + 1, (count,), generator=generator),
    )


def add_jpeg(images: Tensor, drawn: JpegDraws) -> Tensor:
    """Replace the chosen images of `(N, 3, H, W)` uint8 by JPEG copies."""
    return change_some(images, drawn.chosen, lambda part, at: jpeg(part, drawn.qualities[at]))


def jpeg(images: Tensor, qualities: Tensor) -> Tensor:
    """JPEG copies of images.

    Args:
        images: `(N, 3, H, W)` uint8.
        qualities: `(N,)` int64, 1 to 100, as Pillow's `quality`.

    Returns:
        `(N, 3, H, W)` uint8, channels-last.
    """
    height, width = images.shape[2:]
    planes = to_planes(images)
    # As libjpeg does: columns are repeated before chroma is halved, rows after it.
    planes = F.pad(planes, (0, -width % 16, 0, height % 2), mode="replicate")
    ycc = _colours(planes, _TO_YCC).round_()
    ycc[:, 1:] += 128
    luma, chroma = _through_blocks(
        _whole_blocks(ycc[:, :1]), _whole_blocks(_halved(ycc[:, 1:])), qualities
    )
    rows, columns = (height + 1) // 2, (width + 1) // 2
    chroma = _doubled(chroma[:, :, :rows, :columns])[:, :, :height, :width]
    ycc = torch.cat([luma[:, :, :height, :width], chroma - 128], dim=1)
    return from_planes(_colours(ycc, _TO_RGB).round_().clamp_(0, 255))


def _colours(planes: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Mix `(N, 3, H, W)` planes by rows of a matrix."""
    weights = torch.tensor(matrix, device=planes.device)
    return (weights @ planes.flatten(2)).view(planes.shape)


def _whole_blocks(planes: Tensor) -> Tensor:
    """Repeat the last row until there are rows for whole blocks."""
    return F.pad(planes, (0, 0, 0, -planes.shape[2] % 8), mode="replicate")


def _halved(planes: Tensor) -> Tensor:
    """Average 2×2 pixels; libjpeg adds 1 and 2 in turn along a row before it divides by 4."""
    total = planes[:, :, ::2] + planes[:, :, 1::2]
    total = total[..., ::2] + total[..., 1::2]
    bias = torch.arange(total.shape[-1], device=planes.device) % 2 + 1
    return total.add_(bias).mul_(0.25).floor_()


def _doubled(planes: Tensor) -> Tensor:
    """Enlarge twice, each pixel three quarters of the nearest and a quarter of the next one."""
    rows, columns = (_triangle(side, planes.device) for side in planes.shape[-2:])
    wide = rows @ planes @ columns.T
    # libjpeg adds 8 and 7 sixteenths in turn along a row before it cuts off the fraction.
    bias = 0.5 - (torch.arange(wide.shape[-1], device=planes.device) % 2) / 16
    return wide.add_(bias).floor_()


@functools.lru_cache(maxsize=8)
def _triangle(side: int, device: torch.device) -> Tensor:
    """`(2·side, side)` matrix that enlarges a column."""
    matrix = torch.zeros(2 * side, side)
    at = torch.arange(side)
    for odd, step in ((0, -1), (1, 1)):
        matrix[2 * at + odd, at] += 0.75
        matrix[2 * at + odd, (at + step).clamp(0, side - 1)] += 0.25
    return matrix.to(device)


def _through_blocks(luma: Tensor, chroma: Tensor, qualities: Tensor) -> tuple[Tensor, Tensor]:
    """Round the cosine coefficients of every block of both to multiples of their tables."""
    count, device = len(luma), luma.device
    parts = [_to_blocks(luma), _to_blocks(chroma)]
    blocks = torch.cat(parts, dim=1)  # (N, blocks of all planes, 64)
    transform = _cosines(device)
    steps = [to_device(_table(each, qualities), device)[:, None] for each in (_LUMA, _CHROMA)]
    step = torch.cat(
        [s.expand(count, p.shape[1], 64) for s, p in zip(steps, parts, strict=True)], dim=1
    )
    coefficients = ((blocks - 128) @ transform.T).div_(step).round_().mul_(step)
    levels = (coefficients @ transform).add_(128).round_().clamp_(0, 255)
    first, second = levels.split([part.shape[1] for part in parts], dim=1)
    return _from_blocks(first, luma), _from_blocks(second, chroma)


def _to_blocks(planes: Tensor) -> Tensor:
    """`(N, C, H, W)` to `(N, blocks, 64)`."""
    count, channels, height, width = planes.shape
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8)
    return blocks.transpose(3, 4).reshape(count, -1, 64)


def _from_blocks(blocks: Tensor, like: Tensor) -> Tensor:
    """`(N, blocks, 64)` to `(N, C, H, W)` of the shape of `like`."""
    count, channels, height, width = like.shape
    planes = blocks.reshape(count, channels, height // 8, width // 8, 8, 8)
    return planes.transpose(3, 4).reshape(like.shape)


@functools.lru_cache(maxsize=4)
def _cosines(device: torch.device) -> Tensor:
    """`(64, 64)` orthonormal cosine transform of a block of 8×8 pixels, row by row."""
    at = torch.arange(8, dtype=torch.float64)
    line = torch.cos((2 * at + 1) * at[:, None] * math.pi / 16) / 2
    line[0] /= math.sqrt(2)
    return torch.kron(line, line).float().to(device)


def _table(base: tuple[int, ...], qualities: Tensor) -> Tensor:
    """`(N, 64)` float32 steps of quantisation, a row for each quality."""
    quality = qualities.cpu()[:, None]
    scale = torch.where(quality < 50, 5000 // quality.clamp(min=1), 200 - 2 * quality)
    return ((torch.tensor(base) * scale + 50) // 100).clamp(1, 255).float()
