"""1x1 convolutions with a stride, right on every processor."""

from __future__ import annotations

from torch import Tensor, nn

_NARROW = 16
"""Channels of a vector of AVX-512; AVX2 has 8."""


class StridedPointwise(nn.Conv2d):
    """As `nn.Conv2d` of kernel 1 without bias.

    With fewer channels coming in than a vector holds, oneDNN's kernel for the weight's gradient
    writes past its memory (torch 2.13): on AVX2 below 8 channels, in bfloat16 on AVX-512 below 16
    with an odd number of images. The process is aborted, hangs, or gets a wrong gradient. There
    the pixels are taken first, and no stride is left.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__(in_channels, out_channels, 1, stride=stride, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        if self.in_channels >= _NARROW:
            return super().forward(input)
        taken = input[:, :, :: self.stride[0], :: self.stride[1]]
        return nn.functional.conv2d(taken, self.weight, self.bias)
