import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.kernels import strips as module
from thriftnet.kernels.conv import Conv3x3
from thriftnet.kernels.strips import strips


def always(x: Tensor) -> bool:
    return x.shape[0] > 0


def test_images_lie_side_by_side_with_zeros_between():
    x = torch.arange(5 * 2 * 3 * 3.0).view(5, 2, 3, 3) + 1
    laid = strips(x, images=2)
    assert laid.shape == (3, 2, 3, 8)
    for n in range(5):
        start = n % 2 * 4
        assert torch.equal(laid[n // 2, :, :, start : start + 3], x[n])
        assert torch.all(laid[n // 2, :, :, start + 3] == 0)
    assert torch.all(laid[2, :, :, 4:] == 0)


@pytest.mark.parametrize(("images", "side"), [(1, 3), (21, 7), (50, 3), (3, 10)])
def test_gradients_equal_those_of_an_ordinary_convolution(
    images: int, side: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "gains", always)
    torch.manual_seed(0)
    conv = Conv3x3(32, 48).to(memory_format=torch.channels_last)
    x = torch.randn(images, 32, side, side).bfloat16().to(memory_format=torch.channels_last)
    x.requires_grad_()
    gradient = torch.randn(images, 48, side, side).bfloat16()
    found = conv(x)
    found.backward(gradient)

    x64 = x.detach().double().requires_grad_()
    w64 = conv.weight.detach().double().requires_grad_()
    expected = F.conv2d(x64, w64, padding=1)
    expected.backward(gradient.double())
    for ours, theirs in [(found, expected), (x.grad, x64.grad), (conv.weight.grad, w64.grad)]:
        assert isinstance(ours, Tensor)
        assert isinstance(theirs, Tensor)
        assert (ours.double() - theirs).norm() < 0.01 * theirs.norm()
    assert conv.weight.grad is not None
    assert conv.weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("side", "stride", "grad"), [(14, 1, True), (7, 2, True), (7, 1, False)])
def test_other_convolutions_are_ordinary_ones(
    side: int, stride: int, grad: bool, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise AssertionError("strips are of no use here")

    monkeypatch.setattr(module.StripConv, "apply", refuse)
    conv, x = Conv3x3(4, 4, stride=stride), torch.randn(2, 4, side, side)
    with torch.set_grad_enabled(grad), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(conv(x), F.conv2d(x, conv.weight, stride=stride, padding=1))
