"""Logits of many images, batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.training.device import Compute

Views = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""`views(network, images) -> logits`: how one batch is read, such as once or also mirrored."""


@torch.no_grad()
def predict_logits(
    network: nn.Module,
    images: Tensor,
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    compute: Compute,
    views: Views | None = None,
    batch_size: int = 250,
) -> Tensor:
    """Run the network in evaluation mode; its mode is restored.

    Args:
        network: On `compute.device`.
        images: (N, 3, H, W) uint8, on any device.
        mean: Of the training images in [0, 1].
        std: Of the training images in [0, 1].
        compute: Device and precision.
        views: Test-time augmentation; none reads each image once.
        batch_size: Images at once; 250 fit the last-level cache of a usual processor.

    Returns:
        (N, classes) float32 on the CPU.
    """
    training = network.training
    network.eval()

    def forward(batch: Tensor) -> Tensor:
        with compute.autocast():
            return network(batch.contiguous(memory_format=torch.channels_last)).float()

    batches: list[Tensor] = []
    try:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size].to(compute.device)
            batch = normalise(batch, mean=mean, std=std)
            logits = views(forward, batch) if views else forward(batch)
            batches.append(logits.cpu())
    finally:
        network.train(training)
    return torch.cat(batches) if batches else torch.empty(0, 0)
