"""Batch norm fused with pooling, residual addition and activation, forward and backward.

Used for training on a CPU if `fused.c` is compiled: in bfloat16, and in float32 from as many
channels on as Winograd's convolutions. Computes PyTorch's batch norm (arXiv 1502.03167) followed by
a sum and an activation, without rounding intermediate results. If a channel is constant, or its
mean is many deviations from zero or from the running mean, fp32 would lose its variance: then the
statistics are recomputed in fp64 and features are normalised before scaling.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from thriftnet.kernels.library import features, float32, fused, takes
from thriftnet.kernels.winograd import FEWEST_CHANNELS

ACTIVATION_KINDS: dict[type[nn.Module], int] = {nn.Identity: 0, nn.ReLU: 1, nn.GELU: 2, nn.SiLU: 3}
"""Numbers of the activations in `fused.c`."""
_MOST_CHANNELS = 2048


def can_fuse(x: Tensor, norm: nn.Module, act: nn.Module, *, pool: bool = False) -> bool:
    """Whether `norm_act` can replace `act(norm(x))`, or with `pool` the pooled form."""
    return (
        type(norm) is nn.BatchNorm2d
        and norm.training
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and norm.weight.dtype == torch.float32
        and _compiled_for(x, act)
        and _values(x, pool) > 1  # PyTorch refuses batch norm of a single value
        and x.shape[1] <= _MOST_CHANNELS
    )


def norm_act(
    x: Tensor,
    norm: nn.Module,
    act: nn.Module,
    *,
    residual: Tensor | None = None,
    pool: bool = False,
) -> Tensor:
    """`act(norm(x) + residual)`, or `act(norm(max_pool2d(x, 2)))`; updates running statistics.

    Args:
        x: (N, C, H, W) bfloat16 or float32 on a CPU.
        norm: A `BatchNorm2d` in training mode.
        act: Of a type in `ACTIVATION_KINDS`; GELU is the exact one.
        residual: (N, C, H, W); not together with `pool`.
        pool: Whether to apply 2x2 max pooling first.

    Returns:
        (N, C, H, W) as x, or with `pool` (N, C, H // 2, W // 2).
    """
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked += 1
    kind = ACTIVATION_KINDS[type(act)]
    result = _NormAct.apply(
        x, norm.weight, norm.bias, residual, norm.running_mean, norm.running_var,
        norm.momentum, norm.eps, kind, pool,
    )  # fmt: skip
    return cast(Tensor, result)


def can_fuse_inference(x: Tensor, norm: nn.Module, act: nn.Module) -> bool:
    """Whether `pool_act` can replace `act(max_pool2d(x, 2))` with a folded norm."""
    return (
        type(norm) is nn.Identity
        and not torch.is_grad_enabled()
        and _compiled_for(x, act)
        and x.numel() > 0
    )


def _compiled_for(x: Tensor, act: nn.Module) -> bool:
    """Whether there are operations for such features and activation; compiles them if needed."""
    return (
        takes(x)
        and x.dim() == 4
        and (
            x.dtype == torch.bfloat16
            or (x.dtype == torch.float32 and x.shape[1] >= FEWEST_CHANNELS)
        )
        and type(act) in ACTIVATION_KINDS
        and fused(x.dtype) is not None
    )


def pool_act(x: Tensor, act: nn.Module) -> Tensor:
    """`act(max_pool2d(x, 2))` in one pass, without a gradient.

    Args:
        x: (N, C, H, W) bfloat16 or float32 on a CPU.
        act: Of a type in `ACTIVATION_KINDS`.

    Returns:
        (N, C, H // 2, W // 2) as x.
    """
    library = fused(x.dtype)
    assert library is not None
    x = x.contiguous(memory_format=torch.channels_last)
    n, c, h, w = x.shape
    y = features(x.dtype, n, c, h // 2, w // 2)
    kind = ACTIVATION_KINDS[type(act)]
    library.pool_activate(*_at(x, y), n, h, w, c, kind, torch.get_num_threads())
    return y


class _NormAct(torch.autograd.Function):
    """Saves y, the input of batch norm, and the residual for backward; neither is a copy."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        residual: Tensor | None,
        running_mean: Tensor,
        running_var: Tensor,
        momentum: float,
        eps: float,
        kind: int,
        pool: bool,
    ) -> Tensor:
        library, threads = fused(x.dtype), torch.get_num_threads()
        assert library is not None
        x = x.contiguous(memory_format=torch.channels_last)
        n, c, h, w = x.shape
        sums = _sums(threads, c)
        y, which = x, None
        if pool:
            y = features(x.dtype, n, c, h // 2, w // 2)
            which = torch.empty_like(y, dtype=torch.uint8)
            library.pool_sums(*_at(x, y, which, running_mean, sums), n, h, w, c, threads)
        rows = y.numel() // c
        if not pool:
            library.column_sums(*_at(y, running_mean, sums), rows, c, threads)
        factors = float32(4, c)
        mean, rstd, scale, shift = factors.unbind()
        center = None
        if not library.norm_factors(
            *_at(sums, weight, bias, running_mean, running_var, factors),
            momentum, eps, rows, c, threads,
        ):  # fmt: skip
            exact, variance = _exact_moments(y)
            running_mean.lerp_(exact.float(), momentum)
            running_var.lerp_((variance * (rows / max(rows - 1, 1))).float(), momentum)
            # The formulas take (y - center) rstd instead of y.
            center, rstd = exact.float(), torch.rsqrt(variance + eps).float()
            mean, scale = ((exact - center) * rstd).float(), weight
            shift = bias - mean * scale
        if residual is not None:
            residual = residual.to(x.dtype).contiguous(memory_format=torch.channels_last)
        z = torch.empty_like(y)
        library.scale_activate(
            *_at(y, residual, center, rstd, scale, shift, z), rows, c, kind, threads
        )
        ctx.save_for_backward(y, residual, which, center, mean, rstd, scale, shift)
        ctx.kind, ctx.shape = kind, (n, c, h, w)
        return z

    @staticmethod
    @once_differentiable
    def backward(  # pyrefly: ignore[bad-override]  # the decorator takes ctx by position only
        ctx: Any, *grad_outputs: Any
    ) -> tuple[Tensor | None, ...]:
        y, residual, which, center, mean, rstd, scale, shift = ctx.saved_tensors
        library, threads = fused(y.dtype), torch.get_num_threads()
        assert library is not None
        n, c, h, w = ctx.shape
        rows = y.numel() // c
        dz = cast(Tensor, grad_outputs[0]).contiguous(memory_format=torch.channels_last)
        du = torch.empty_like(y) if ctx.kind else dz
        sums = _sums(threads, c)
        library.activation_backward(
            *_at(dz, y, residual, center, rstd, scale, shift, mean, du, sums),
            rows, c, ctx.kind, threads,
        )  # fmt: skip
        found = float32(5, c)
        d_weight, d_bias, a, b, d = found.unbind()
        library.norm_gradients(
            *_at(sums, mean, rstd, scale, found), center is not None, rows, c, threads
        )
        if which is None:
            dx = torch.empty_like(y)
            library.norm_backward(*_at(du, y, center, rstd, a, b, d, dx), rows, c, threads)
        else:
            dx = features(y.dtype, n, c, h, w)
            library.norm_backward_unpool(
                *_at(du, y, which, center, rstd, a, b, d, dx), n, h, w, c, threads
            )
        to_residual = du if residual is not None else None
        return dx, d_weight, d_bias, to_residual, None, None, None, None, None, None


def _exact_moments(y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel in fp64, by a second pass.

    Args:
        y: (N, C, H, W), channels-last.

    Returns:
        (C,) fp64 each; the variance is never negative, and NaN if y is not finite.
    """
    library, threads = fused(y.dtype), torch.get_num_threads()
    assert library is not None
    n, c, h, w = y.shape
    sums = _sums(threads, c)
    library.exact_sums(*_at(y, sums), n * h * w, c, threads)
    first, second = (sums.sum(0) / (n * h * w)).unbind()
    return y[0, :, 0, 0] + first, (second - first * first).clamp(min=0)


def _values(x: Tensor, pool: bool) -> int:
    """Number of values per channel in batch norm."""
    n, _, h, w = x.shape
    return n * (h // 2) * (w // 2) if pool else n * h * w


def _sums(threads: int, c: int) -> Tensor:
    return torch.zeros(threads, 2, c, dtype=torch.float64, device="cpu")


def _at(*tensors: Tensor | None) -> list[int | None]:
    """Addresses of tensors, for a call."""
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]
