"""Batch norm over the images of all processes, on any device.

torch's SyncBatchNorm does not support CPU tensors. The statistics are combined as in Chan, Golub
and LeVeque (1979), which avoids the cancellation of a mean of squares; the gradient is that of
Ioffe and Szegedy (arXiv 1502.03167), with its two sums taken over all processes.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.runtime.device import at_least_float32
from thriftnet.training.distributed.processes import all_reduce

_PIXELS = (0, 2, 3)
"""The dimensions of (N, C, H, W) that statistics are taken over."""


class SyncBatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d` with training statistics over the images of all processes."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to the same; N may differ from process to process, and be 0."""
        if not self.training:
            return super().forward(input)
        mean, variance, count = _statistics(input.detach())
        with torch.no_grad():
            self._follow(mean, variance * (count / max(count - 1, 1)))
        normalised = _Normalise.apply(
            input, self.weight, self.bias, mean, variance, count, self.eps
        )
        return cast(Tensor, normalised)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        share = self.momentum or 0.0
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.mul_(1 - share).add_(mean, alpha=share)
        self.running_var.mul_(1 - share).add_(variance, alpha=share)
        self.num_batches_tracked += 1


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean (C,) and variance (C,) over all processes, and the number of values."""
    x = at_least_float32(x)
    own = x.numel() // x.shape[1]
    mean = x.sum(_PIXELS) / max(own, 1)
    squares = (x - mean.view(1, -1, 1, 1)).square_().sum(_PIXELS)
    gathered = torch.zeros(
        dist.get_world_size(), 1 + 2 * x.shape[1], dtype=torch.float64, device=x.device
    )
    gathered[dist.get_rank()] = torch.cat([mean.new_tensor([own]), mean, squares])
    all_reduce(gathered)
    counts, means, around = gathered.split([1, x.shape[1], x.shape[1]], dim=1)
    count = counts.sum()
    whole = (counts * means).sum(0) / count
    variance = (around + counts * (means - whole).square()).sum(0) / count
    return whole.to(x.dtype), variance.to(x.dtype), float(count)


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: float,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps))
        ctx.count = count
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        gradient = at_least_float32(cast(Tensor, grad_outputs[0]))
        normal = (at_least_float32(x) - mean.view(1, -1, 1, 1)).mul_(scale.view(1, -1, 1, 1))
        own = torch.stack([gradient.sum(_PIXELS), (gradient * normal).sum(_PIXELS)])
        whole = own.clone()
        all_reduce(whole)
        first, second = (whole / ctx.count).view(2, 1, -1, 1, 1)
        towards = (gradient - first - normal * second).mul_((weight * scale).view(1, -1, 1, 1))
        # Local sums for weight and bias: like every gradient, they are reduced after the step.
        return towards.to(x.dtype), own[1], own[0], None, None, None, None
