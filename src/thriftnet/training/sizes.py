"""Progressive resizing: early epochs use smaller images, which cost fewer operations.

At three quarters of the side, an epoch costs about half (Howard, fast.ai DAWNBench entry 2018;
Touvron et al. 2019, arXiv 1906.06423).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.models.describe import count_macs, training_flops
from thriftnet.recipe.epochs import Epochs


@dataclass(frozen=True)
class Sizes:
    """Image size of each epoch, and the operations it costs."""

    stages: tuple[tuple[int, int], ...]
    """(epoch, pixels), ascending: the image size before that epoch, counted from 0."""
    full: int
    """The size in all other epochs."""
    macs: dict[int, int]
    """Multiply-accumulates of a forward pass, by image size."""

    @classmethod
    def of(cls, model: nn.Module, stages: tuple[tuple[int, int], ...], *, full: int) -> Sizes:
        """Count a network's operations at every size."""
        sides = {full, *(side for _, side in stages)}
        macs = {side: count_macs(model, image_size=side) for side in sides}
        return cls(stages, full, macs)

    @property
    def first_whole_epoch(self) -> int:
        """The first epoch, counted from 0, at full size."""
        return max((end for end, _ in self.stages), default=0)

    def side(self, epoch: int) -> int:
        """Image size in an epoch, counted from 0."""
        return next((side for end, side in self.stages if epoch < end), self.full)

    def resize(self, images: Tensor, epoch: int) -> Tensor:
        """Resize (N, 3, H, W) floats to the epoch's size, with antialiasing."""
        side = self.side(epoch)
        if side == images.shape[-1]:
            return images
        return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)

    def operations(self, epochs: Epochs, steps: int) -> int:
        """Operations of training for the first `steps` steps."""
        counted = seen = 0
        for end, side in self.stages:
            images = epochs.images_in(min(steps, epochs.first_step(end)))
            counted += training_flops(self.macs[side], images - seen)
            seen = images
        return counted + training_flops(self.macs[self.full], epochs.images_in(steps) - seen)
