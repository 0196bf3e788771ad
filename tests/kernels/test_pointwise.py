"""Strided 1x1 convolutions beside PyTorch's in float64; `make numerics` does it on AVX2 too."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from thriftnet.kernels.pointwise import StridedPointwise


@pytest.mark.parametrize("channels", [1, 3, 4, 7, 8, 12, 16])
@pytest.mark.parametrize("side", [7, 8])
def test_forward_and_gradients_are_those_of_float64(channels: int, side: int) -> None:
    own = StridedPointwise(channels, 8, stride=2)
    plain = nn.Conv2d(channels, 8, 1, stride=2, bias=False).double()
    plain.weight.data.copy_(own.weight)
    draws = torch.Generator().manual_seed(0)
    features = torch.randn(6, channels, side, side, generator=draws)
    x = features.contiguous(memory_format=torch.channels_last).requires_grad_()
    x64 = features.double().requires_grad_()
    y, y64 = own(x), plain(x64)
    slope = torch.randn(y.shape, generator=draws)
    found = (y, *torch.autograd.grad(y, (x, own.weight), slope))
    wanted = (y64, *torch.autograd.grad(y64, (x64, plain.weight), slope.double()))
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-5)


NARROW = """
import torch
from thriftnet.kernels.pointwise import StridedPointwise

torch.set_num_threads(1)
for channels in (3, 4, 7):
    x = torch.ones(16, channels, 32, 32).contiguous(memory_format=torch.channels_last)
    conv = StridedPointwise(channels, 8, stride=2)
    conv(x).sum().backward()
    assert torch.equal(conv.weight.grad, torch.full_like(conv.weight, 16.0 * 16 * 16))
print("done")
"""


def test_a_narrow_one_survives_on_a_processor_with_avx2_alone() -> None:
    """oneDNN's kernel wrote past its memory there: "free(): invalid next size"."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run(
        [sys.executable, "-c", NARROW], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


BFLOAT16 = """
import torch
from thriftnet.kernels.pointwise import StridedPointwise

for images in (1, 3):
    for channels in (8, 12, 15):
        for _ in range(20):
            x = torch.ones(images, channels, 32, 32).contiguous(memory_format=torch.channels_last)
            conv = StridedPointwise(channels, 16, stride=2)
            with torch.autocast("cpu", torch.bfloat16):
                y = conv(x)
            y.float().sum().backward()
            assert torch.equal(conv.weight.grad, torch.full_like(conv.weight, images * 16.0 * 16))
print("done")
"""


def test_a_narrow_one_survives_an_odd_number_of_images_in_bfloat16() -> None:
    """A folder of nine pictures in batches of four ended in "double free or corruption"."""
    done = subprocess.run([sys.executable, "-c", BFLOAT16], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
