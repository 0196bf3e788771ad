"""The rate at which this machine convolves: what a training can at most make use of."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from thriftnet.bench.clock import median_seconds

_IMAGES, _CHANNELS, _SIDE = 256, 256, 16


def convolution_rate(dtype: torch.dtype, *, seconds: float) -> float:
    """Operations a second of a large 3x3 convolution, forward, channels-last, on the CPU.

    256 images of 256 channels at 16x16: large enough that nothing but arithmetic counts, small
    enough for the caches. Two operations are one multiply-accumulate.
    """
    shape = (_IMAGES, _CHANNELS, _SIDE, _SIDE)
    images = torch.randn(shape).to(dtype).to(memory_format=torch.channels_last)
    weight = torch.randn(_CHANNELS, _CHANNELS, 3, 3).to(dtype)
    weight = weight.to(memory_format=torch.channels_last)
    operations = 2 * images.numel() * _CHANNELS * 9
    with torch.no_grad():
        took = median_seconds(lambda: F.conv2d(images, weight, padding=1), seconds=seconds)
    return operations / took
