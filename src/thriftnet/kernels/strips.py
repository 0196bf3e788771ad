"""3x3 convolutions on small grids with a faster weight gradient: many images side by side.

oneDNN's AMX kernel for weight gradients works along image rows and leaves most of its tiles empty
for rows of 7 or 3 pixels. Placing images side by side, with a column of zeros between them, gives
the same sums; `benchmarks/step_levers.py` measures the gain.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.kernels.library import takes
from thriftnet.runtime.device import has_amx

WIDEST_GRID = 10
"""Pixels per row; at 14 the copies cost as much as they save."""
_STRIP = 80
"""Approximate pixels per row of a strip; the fastest of 40 to 1,000 for grids of 3 and 7."""


def gains(x: Tensor) -> bool:
    """Whether strips make the weight gradient faster for these features."""
    return (
        torch.is_grad_enabled()
        and x.dtype == torch.bfloat16
        and x.dim() == 4
        and takes(x)
        and len(x) > 0
        and x.shape[3] <= WIDEST_GRID
        and has_amx()
    )


class StripConv(torch.autograd.Function):
    """Ordinary convolution whose weight gradient is computed on strips."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        """(N, C_in, H, W) bfloat16 and (C_out, C_in, 3, 3) to (N, C_out, H, W)."""
        narrow = weight.to(x.dtype)
        ctx.save_for_backward(x, narrow)
        return F.conv2d(x, narrow, padding=1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Tensor, Tensor]:
        """Gradients of features and weights."""
        x, weight = ctx.saved_tensors
        gradient = cast(Tensor, grad_outputs[0])
        dx = _convolution_backward(gradient, x, weight, of_input=True)
        images = max(1, round(_STRIP / (x.shape[3] + 1)))
        wide = strips(x, images=images), strips(gradient, images=images)
        dw = _convolution_backward(wide[1], wide[0], weight, of_input=False)
        return dx, dw.float()


def _convolution_backward(gradient: Tensor, x: Tensor, weight: Tensor, *, of_input: bool) -> Tensor:
    found = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
        [of_input, not of_input, False],
    )  # fmt: skip
    return found[0 if of_input else 1]


def strips(features: Tensor, *, images: int) -> Tensor:
    """Place images side by side, with a column of zeros after each.

    Args:
        features: (N, C, H, W).
        images: Images per strip; the last strip is padded with zeros.

    Returns:
        (ceil(N / images), C, H, images x (W + 1)), channels-last.
    """
    n, c, h, w = features.shape
    count = -(-n // images)
    laid = features.new_zeros(count, h, images, w + 1, c)
    rows = features.permute(0, 2, 3, 1)  # (N, H, W, C)
    whole = n // images * images
    laid[: n // images, :, :, :w] = rows[:whole].view(-1, images, h, w, c).transpose(1, 2)
    if whole < n:
        laid[-1, :, : n - whole, :w] = rows[whole:].transpose(0, 1)
    return laid.view(count, h, images * (w + 1), c).permute(0, 3, 1, 2)
