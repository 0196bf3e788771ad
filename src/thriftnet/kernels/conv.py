"""The 3x3 convolution of the networks, by the fastest way on the processor at hand.

After batch norms are folded, `inference/optimise.py` chooses.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from thriftnet.kernels import strips, winograd


class Conv3x3(nn.Conv2d):
    """`nn.Conv2d` with kernel 3 and no bias; padding is 1, or 0."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__(in_channels, out_channels, 3, stride=stride, padding=padding, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H', W'), smaller by the stride and without padding by 2."""
        padding = cast(tuple[int, int], self.padding)[0]
        if self.stride == (1, 1) and self.bias is None:
            if padding == 1 and strips.gains(input):
                return cast(Tensor, strips.StripConv.apply(input, self.weight))
            if winograd.gains(input, self.weight, padding=padding):
                return cast(Tensor, winograd.WinogradConv.apply(input, self.weight, padding))
        return super().forward(input)
