"""Mixup and CutMix: training on blends of two images and of their labels.

Mixup is from Zhang et al., arXiv 1710.09412; CutMix from Yun et al., arXiv 1905.04899.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from thriftnet.augment.layout import box_mask, from_nhwc, to_nhwc
from thriftnet.runtime.device import to_device


@dataclass(frozen=True)
class MixDraws:
    """Random parameters of a batch; None for operations that are off."""

    partners: Tensor | None = None
    by_box: Tensor | None = None
    """Images that get CutMix if both are on."""
    shares: Tensor | None = None
    boxes: tuple[Tensor, Tensor] | None = None
    """Rows and columns."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Mixes every image with a partner of the same batch, in its own proportion.

    With both set, each image gets one of the two with probability one half.

    Raises:
        ValueError: an alpha is negative or not finite.
    """

    mixup: float = 0.0
    """Alpha of the symmetric Beta that shares are drawn from (arXiv 1710.09412); 0: off."""
    cutmix: float = 0.0
    """Alpha of the symmetric Beta that areas are drawn from (arXiv 1905.04899); 0: off."""

    def __post_init__(self) -> None:
        for name, alpha in (("mixup", self.mixup), ("cutmix", self.cutmix)):
            if not (math.isfinite(alpha) and alpha >= 0):
                raise ValueError(f"{name} must be 0 (off) or a positive number, not {alpha}")

    def __call__(
        self, images: Tensor, targets: Tensor, *, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mix a batch.

        Args:
            images: `(N, 3, H, W)` float.
            targets: `(N, K)` float, label probabilities.
            generator: a CPU generator.

        Returns:
            Images (channels-last) and targets of the same shapes and types.
        """
        height, width = images.shape[2:]
        draws = self.draw(len(images), height=height, width=width, generator=generator)
        return self.apply(images, targets, draws)

    def draw(self, count: int, *, height: int, width: int, generator: torch.Generator) -> MixDraws:
        """Draw parameters for `count` images of `height` × `width` pixels."""
        if not (self.mixup or self.cutmix):
            return MixDraws()
        partners = torch.randperm(count, generator=generator)
        by_box = shares = boxes = None
        if self.mixup and self.cutmix:
            by_box = torch.rand(count, generator=generator) < 0.5
        if self.mixup:
            shares = draw_shares(count, alpha=self.mixup, generator=generator)
        if self.cutmix:
            areas = draw_shares(count, alpha=self.cutmix, generator=generator)
            boxes = draw_boxes(areas, height=height, width=width, generator=generator)
        return MixDraws(partners, by_box, shares, boxes)

    def apply(self, images: Tensor, targets: Tensor, draws: MixDraws) -> tuple[Tensor, Tensor]:
        """Mix a batch with given draws; shapes as in a call."""
        if draws.partners is None:
            return images, targets
        # Both use the unmixed images.
        found: list[tuple[Tensor, Tensor]] = []
        if draws.boxes:
            found.append(cutmix(images, targets, draws.partners, *draws.boxes))
        if draws.shares is not None:
            found.append(mixup(images, targets, draws.partners, draws.shares))
        if draws.by_box is None:
            return found[0]
        (boxed, boxed_targets), (blended, blended_targets) = found
        by_box = to_device(draws.by_box, images.device)
        mixed = torch.where(by_box.view(-1, 1, 1, 1), boxed, blended)
        mixed = mixed.contiguous(memory_format=torch.channels_last)
        by_box = by_box.to(targets.device)[:, None]
        return mixed, torch.where(by_box, boxed_targets, blended_targets)


def draw_shares(count: int, *, alpha: float, generator: torch.Generator) -> Tensor:
    """Draw `(count,)` float32 from Beta(`alpha`, `alpha`): the weight of the image itself."""
    # torch's Beta distribution takes no generator; NumPy's is seeded from ours.
    seed = int(torch.randint(2**63 - 1, (1,), generator=generator).item())
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()


def draw_boxes(
    shares: Tensor, *, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw boxes of area 1 − `shares` with the image's aspect, centred anywhere.

    Args:
        shares: `(N,)` share of its area that an image keeps, before clipping.
        height: rows of an image.
        width: columns of an image.
        generator: a CPU generator.

    Returns:
        Rows `(N, 2)` and columns `(N, 2)` int64, first and the one after the last, clipped.
    """
    scale = (1 - shares).clamp(min=0).sqrt()

    def draw_extent(side: int) -> Tensor:
        length = (scale * side).long()
        first = torch.randint(side, (len(shares),), generator=generator) - length // 2
        return torch.stack([first, first + length], dim=1).clamp(0, side)

    return draw_extent(height), draw_extent(width)


def mixup(
    images: Tensor, targets: Tensor, partners: Tensor, shares: Tensor
) -> tuple[Tensor, Tensor]:
    """Blend images and targets with those of `partners`, with weight `shares` for the image.

    Args:
        images: `(N, 3, H, W)` float.
        targets: `(N, K)` float.
        partners: `(N,)` int64 positions in the batch.
        shares: `(N,)`, 0 to 1.
    """
    keep = to_device(shares, images.device, images.dtype).view(-1, 1, 1, 1)
    mixed = images * keep + _select_images(images, partners) * (1 - keep)
    return mixed.contiguous(memory_format=torch.channels_last), _mix(targets, partners, shares)


def cutmix(
    images: Tensor, targets: Tensor, partners: Tensor, rows: Tensor, columns: Tensor
) -> tuple[Tensor, Tensor]:
    """Paste a box of each partner; targets are weighted by the area that the box covers.

    Args:
        images: `(N, 3, H, W)` float.
        targets: `(N, K)` float.
        partners: `(N,)` int64 positions in the batch.
        rows: `(N, 2)` int64 within the image, first row and the one after the last.
        columns: `(N, 2)` int64, likewise.
    """
    height, width = images.shape[2:]
    device = images.device
    mask = box_mask(to_device(rows, device), to_device(columns, device), height=height, width=width)
    mixed = torch.where(mask, _select_images(images, partners), images)
    area = (rows[:, 1] - rows[:, 0]) * (columns[:, 1] - columns[:, 0])
    mixed = mixed.contiguous(memory_format=torch.channels_last)
    return mixed, _mix(targets, partners, 1 - area / (height * width))


def _select_images(images: Tensor, positions: Tensor) -> Tensor:
    """Gather whole images as contiguous memory, about twenty times faster than `images[…]`."""
    return from_nhwc(to_nhwc(images).index_select(0, to_device(positions, images.device)))


def _mix(targets: Tensor, partners: Tensor, shares: Tensor) -> Tensor:
    keep = to_device(shares, targets.device, targets.dtype)[:, None]
    return targets * keep + targets[to_device(partners, targets.device)] * (1 - keep)
