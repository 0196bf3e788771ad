"""The convolution rate of this machine, an upper bound for training."""

from __future__ import annotations

import torch

from thriftnet.bench.clock import median_seconds
from thriftnet.kernels.conv import Conv3x3
from thriftnet.runtime.device import has_fast_bf16
from thriftnet.runtime.layout import with_layout

_IMAGES, _CHANNELS, _SIDE = 256, 256, 16
_FEW_IMAGES = 8
"""For emulated bfloat16: with AVX2, 256 images take 9 s."""
_CPU = torch.device("cpu")


def convolution_rate(dtype: torch.dtype, *, seconds: float, device: torch.device = _CPU) -> float:
    """Operations per second of a large 3x3 convolution, forward, channels-last.

    256 images of 256 channels at 16x16: compute-bound, and small enough for the caches. A
    multiply-accumulate counts as two operations, also where Winograd's way takes fewer.
    """
    emulated = dtype == torch.bfloat16 and not has_fast_bf16(device.type)
    shape = (_FEW_IMAGES if emulated else _IMAGES, _CHANNELS, _SIDE, _SIDE)
    images = torch.randn(shape).to(device, dtype).to(memory_format=torch.channels_last)
    conv = Conv3x3(_CHANNELS, _CHANNELS).to(device, dtype)
    conv = with_layout(conv, torch.channels_last)
    operations = 2 * images.numel() * _CHANNELS * 9

    def convolve() -> None:
        conv(images)
        if device.type != "cpu":  # wait for the result
            torch.accelerator.synchronize(device)

    with torch.no_grad():
        took = median_seconds(convolve, seconds=seconds)
    return operations / took
