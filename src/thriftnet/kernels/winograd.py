"""3x3 convolutions in float32 by Winograd's minimal filtering, and their gradients.

oneDNN computes float32 convolutions by the definition, and their weight gradients at about two
thirds of the processor's rate. F(4x4, 3x3) of Lavin and Gray (arXiv 1509.09308) takes a quarter of
the products, or a third where the grid is no multiple of 4; `benchmarks/winograd.py` measures gain
and rounding. This is what a CPU without bfloat16 computes in, as most laptops' are.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from thriftnet.kernels.library import features, float32, takes, winograd

FEWEST_CHANNELS = 24
"""Below, the transforms of tiles cost what the products save."""
_FEWEST_TILES = 32
"""Below, the transform of the weights does."""
_LEAST_SAVED = 2
"""Products by the definition over those of whole tiles: 4 on a grid of 4, 2.25 on one of 3."""
_TILES = 36
"""In a block; 24 to 72 are about as fast, and fewer fit smaller caches."""


def gains(x: Tensor, weight: Tensor, *, padding: int) -> bool:
    """Whether a convolution by Winograd's way is possible here, and faster than PyTorch's.

    Args:
        x: (N, C_in, H, W).
        weight: (C_out, C_in, 3, 3).
        padding: Pixels of zeros at each side.
    """
    # First, as a trace records what is asked of sizes; and an image may have no batch.
    if x.dim() != 4 or not takes(x, weight):
        return False
    h, w = (side + 2 * padding - 2 for side in x.shape[2:])
    tiles = math.ceil(h / 4) * math.ceil(w / 4)
    return (
        x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and x.shape[1] == weight.shape[1]
        and min(weight.shape[:2]) >= FEWEST_CHANNELS
        and len(x) * tiles >= _FEWEST_TILES
        and 9 * h * w >= _LEAST_SAVED * 36 * tiles
        and winograd() is not None
    )


class WinogradConv(torch.autograd.Function):
    """Convolution with stride 1 and no bias; saves its input and weights for backward.

    A second derivative raises RuntimeError; with `THRIFTNET_FUSED=0` there is one.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        """(N, C_in, H, W) and (C_out, C_in, 3, 3) in float32 to (N, C_out, H', W')."""
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return convolve(x, pack(weight), channels=len(weight), padding=padding)

    @staticmethod
    @once_differentiable
    def backward(  # pyrefly: ignore[bad-override]  # the decorator takes ctx by position only
        ctx: Any, *grad_outputs: Any
    ) -> tuple[Tensor | None, Tensor | None, None]:
        """Gradients of features and weights."""
        x, weight = ctx.saved_tensors
        gradient = cast(Tensor, grad_outputs[0]).contiguous(memory_format=torch.channels_last)
        dx = dw = None
        if ctx.needs_input_grad[0]:
            turned = pack(weight, backward=True)
            dx = convolve(gradient, turned, channels=x.shape[1], padding=2 - ctx.padding)
        if ctx.needs_input_grad[1]:
            dw = _weight_gradient(x, gradient, weight, padding=ctx.padding)
        return dx, dw, None


def pack(weight: Tensor, *, backward: bool = False) -> Tensor:
    """Transform weights for `convolve`.

    Args:
        weight: (C_out, C_in, 3, 3) float32.
        backward: Whether for the gradient of the features: turned by 180 degrees, outputs and
            inputs exchanged.
    """
    library = winograd()
    assert library is not None
    c_out, c_in = weight.shape[:2]
    by_out, by_in, by_y, by_x = weight.stride()
    start = weight.data_ptr()
    if backward:
        start += weight.element_size() * 2 * (by_y + by_x)  # from the last value to the first
        c_out, c_in, by_out, by_in, by_y, by_x = c_in, c_out, by_in, by_out, -by_y, -by_x
    packed = float32(library.weights_size(c_in, c_out))
    library.transform_weights(
        start, packed.data_ptr(), c_in, c_out, by_out, by_in, by_y, by_x, torch.get_num_threads()
    )
    return packed


def convolve(
    x: Tensor, packed: Tensor, bias: Tensor | None = None, *, channels: int, padding: int
) -> Tensor:
    """Convolve with packed weights, without a gradient.

    Args:
        x: (N, C_in, H, W) float32, channels-last.
        packed: Of `pack`.
        bias: (C_out,) float32.
        channels: C_out.
        padding: Pixels of zeros at each side.

    Returns:
        (N, C_out, H + 2 padding - 2, W + 2 padding - 2), channels-last.
    """
    library = winograd()
    assert library is not None
    n, c_in, h, w = x.shape
    h_out, w_out = h + 2 * padding - 2, w + 2 * padding - 2
    y = features(torch.float32, n, channels, h_out, w_out)
    threads = _threads(n, h_out, w_out)
    scratch = float32(threads, library.block_size(c_in, channels, _TILES))
    library.convolve(
        x.data_ptr(), packed.data_ptr(), None if bias is None else bias.data_ptr(),
        y.data_ptr(), scratch.data_ptr(),
        n, h, w, c_in, channels, padding, _TILES, threads,
    )  # fmt: skip
    return y


def _weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor, *, padding: int) -> Tensor:
    library = winograd()
    assert library is not None
    c_out, c_in = weight.shape[:2]
    n, _, h, w = x.shape
    found = torch.empty_like(weight)
    threads = _threads(n, *gradient.shape[2:])
    scratch = float32(threads, library.block_size(c_in, c_out, _TILES))
    sums = float32(threads, library.weights_size(c_in, c_out))
    library.weight_gradient(
        *(each.data_ptr() for each in (x, gradient, found, scratch, sums)),
        n, h, w, c_in, c_out, padding, _TILES, *found.stride(), threads,
    )  # fmt: skip
    return found


def _threads(n: int, h: int, w: int) -> int:
    """Those of torch, or as many as there are blocks of outputs: each has memory of its own."""
    blocks = math.ceil(n * math.ceil(h / 4) * math.ceil(w / 4) / _TILES)
    return max(1, min(torch.get_num_threads(), blocks))
