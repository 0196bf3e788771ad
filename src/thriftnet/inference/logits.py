"""Logits of many images, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.runtime.device import Compute

Transform = Callable[[Tensor], Tensor]
"""Normalised images (N, 3, H, W) to one view of each, of the same shape."""
Told = Callable[[int, int], None]
"""Is told how many images are done, and of how many."""


def untold(_done: int, _total: int) -> None:
    """Nobody is told."""


def predict_logits(
    network: nn.Module,
    images: Tensor,
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    compute: Compute,
) -> Tensor:
    """Read each image once, as `predict_views` does; (N, classes) float32 on the CPU."""
    views: dict[str, Transform] = {"plain": lambda batch: batch}
    return predict_views(network, images, views, mean=mean, std=std, compute=compute)["plain"]


@torch.no_grad()
def predict_views(
    network: nn.Module,
    images: Tensor,
    transforms: Mapping[str, Transform],
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    compute: Compute,
    batch_size: int = 250,
    told: Told = untold,
) -> dict[str, Tensor]:
    """Run the network in evaluation mode on each view of each image; its mode is restored.

    Args:
        network: On `compute.device`.
        images: (N, 3, H, W) uint8, on any device.
        transforms: What makes the views, by name.
        mean: Of the training images in [0, 1].
        std: Of the training images in [0, 1].
        compute: Device and precision.
        batch_size: Images at once; 250 fit the last-level cache of a usual processor.
        told: Called after each batch.

    Returns:
        (N, classes) float32 logits on the CPU, for every name of `transforms`.
    """
    training = network.training
    network.eval()
    found: dict[str, list[Tensor]] = {name: [] for name in transforms}
    try:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size].to(compute.device)
            batch = normalise(batch, mean=mean, std=std)
            for name, transform in transforms.items():
                view = transform(batch).contiguous(memory_format=torch.channels_last)
                with compute.autocast():
                    found[name].append(network(view).float().cpu())
            told(min(start + batch_size, len(images)), len(images))
    finally:
        network.train(training)
    return {name: torch.cat(parts) if parts else torch.empty(0, 0) for name, parts in found.items()}
