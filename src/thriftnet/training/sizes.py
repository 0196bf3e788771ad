"""Progressive resizing: early epochs see smaller images, which cost fewer operations.

The convolutions learn most of what they know from images of three quarters the side at half the
work (Howard, fast.ai DAWNBench entry 2018; Touvron et al. 2019, arXiv 1906.06423).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.models.describe import count_macs, training_flops
from thriftnet.training.epochs import Epochs


@dataclass(frozen=True)
class Sizes:
    """What side the images have in each epoch, and what that costs."""

    stages: tuple[tuple[int, int], ...]
    """(epoch, pixels), rising: before that epoch, counted from 0, images have that side."""
    full: int
    """The side in all other epochs, as the images are."""
    macs: dict[int, int]
    """Multiply-accumulates of one image's forward pass, by side."""

    @classmethod
    def of(cls, model: nn.Module, stages: tuple[tuple[int, int], ...], *, full: int) -> Sizes:
        """Count a network's operations at every side."""
        sides = {full, *(side for _, side in stages)}
        macs = {side: count_macs(model, image_size=side) for side in sides}
        return cls(stages, full, macs)

    @property
    def first_whole_epoch(self) -> int:
        """The epoch, counted from 0, from which on images are not shrunk."""
        return max((end for end, _ in self.stages), default=0)

    def side(self, epoch: int) -> int:
        """Pixels of an image's side in an epoch, counted from 0."""
        return next((side for end, side in self.stages if epoch < end), self.full)

    def resize(self, images: Tensor, epoch: int) -> Tensor:
        """Shrink (N, 3, H, W) floats to the epoch's side, each pixel a mean of those it covers."""
        side = self.side(epoch)
        if side == images.shape[-1]:
            return images
        return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)

    def operations(self, epochs: Epochs, steps: int) -> int:
        """Counted operations of training for so many steps, from the first."""
        counted = seen = 0
        for end, side in self.stages:
            images = epochs.images_in(min(steps, epochs.first_step(end)))
            counted += training_flops(self.macs[side], images - seen)
            seen = images
        return counted + training_flops(self.macs[self.full], epochs.images_in(steps) - seen)
