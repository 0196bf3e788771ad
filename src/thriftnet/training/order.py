"""The order in which an epoch visits its images, only the hardest in later epochs."""

from __future__ import annotations

import torch
from torch import Tensor

from thriftnet.recipe.epochs import Epochs


def random_order(
    epochs: Epochs, epoch: int, losses: Tensor, *, generator: torch.Generator
) -> Tensor:
    """Positions of an epoch's images in random order.

    Args:
        epochs: The epochs of the training.
        epoch: Counted from 0.
        losses: (images,) float32, from `average_losses`; infinite for images not visited yet.
        generator: Draws the order.

    Returns:
        (n,) int64: all positions, or after the full epochs those of the largest losses.
    """
    order = torch.randperm(epochs.images, generator=generator)
    if epoch < epochs.full_epochs or epochs.hard_images == epochs.images:
        return order
    hard = torch.zeros(epochs.images, dtype=torch.bool)
    hard[losses.topk(epochs.hard_images).indices] = True
    return order[hard[order]]


def average_losses(before: Tensor, losses: Tensor, *, decay: float) -> Tensor:
    """Update the average losses of images after another visit.

    A single loss depends as much on the crop and the cutout as on the image.

    Args:
        before: (n,) float32, averages so far; infinite for images not visited yet.
        losses: (n,) float32, the new losses.
        decay: Share that the average keeps.

    Returns:
        (n,) float32.
    """
    return torch.where(before.isfinite(), losses.lerp(before, decay), losses)
