"""Strided 1x1 convolutions, with a workaround for oneDNN."""

from __future__ import annotations

from torch import Tensor, nn

_NARROW = 16
"""Channels per AVX-512 vector; AVX2 has 8."""


class StridedPointwise(nn.Conv2d):
    """`nn.Conv2d` with kernel 1 and without bias.

    With fewer input channels than a vector holds, oneDNN's weight gradient kernel writes out of
    bounds (torch 2.13): on AVX2 below 8 channels, in bfloat16 on AVX-512 below 16 with an odd
    number of images. The process aborts, hangs, or gets a wrong gradient. In that case the input is
    subsampled first and convolved without a stride.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__(in_channels, out_channels, 1, stride=stride, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        if self.in_channels >= _NARROW:
            return super().forward(input)
        taken = input[:, :, :: self.stride[0], :: self.stride[1]]
        return nn.functional.conv2d(taken, self.weight, self.bias)
