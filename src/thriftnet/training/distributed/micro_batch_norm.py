"""Batch norm over each micro-batch, in one pass of the whole batch through the network.

An accelerator takes longer to be asked for a convolution of 250 small images than to compute it.
So it gets those of a batch at once, and the norms alone go micro-batch by micro-batch, as their
statistics are part of what a recipe computes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MicroBatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose training statistics are those of every `micro_batch` images."""

    def __init__(self, num_features: int, *, eps: float, momentum: float | None, micro_batch: int):
        super().__init__(num_features, eps=eps, momentum=momentum)
        self.micro_batch = micro_batch

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to the same; running statistics follow every micro-batch in order."""
        if not self.training:
            return super().forward(input)
        parts = input.split(self.micro_batch)
        return torch.cat([nn.BatchNorm2d.forward(self, part) for part in parts])
