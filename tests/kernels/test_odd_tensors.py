"""What kernels are given by address is ordinary memory of their type; the rest is PyTorch's."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels import winograd
from thriftnet.kernels.conv import Conv3x3
from thriftnet.kernels.norm_act import can_fuse, norm_act, pool_act
from thriftnet.models.layers import norm_activate

pytestmark = pytest.mark.usefixtures("compiled", "winograd_compiled")


@pytest.fixture
def threads() -> Iterator[None]:
    """More than there is work for."""
    before = torch.get_num_threads()
    torch.set_num_threads(16)
    yield
    torch.set_num_threads(before)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def conv_and_gradients(x: Tensor, weight: Tensor) -> list[Tensor]:
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = winograd.WinogradConv.apply(x, weight, 1)
    assert isinstance(y, Tensor)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, weight])]


def norm_and_gradients(x: Tensor, norm: nn.Module, *, pool: bool) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y = norm_act(x, norm, nn.GELU(), pool=pool)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, *norm.parameters()])]


def far_norm() -> nn.Module:
    """With a channel for the sums in float64."""
    norm = nn.BatchNorm2d(24)
    assert norm.running_mean is not None
    norm.running_mean[3] = 1e4
    return norm


def everything(x: Tensor, weight: Tensor, norms: list[nn.Module]) -> list[Tensor]:
    with torch.no_grad():
        pooled = pool_act(x, nn.GELU())
    found = [norm_and_gradients(x, norms[pool], pool=bool(pool)) for pool in (0, 1)]
    return [pooled, *conv_and_gradients(x, weight), *found[0], *found[1]]


@pytest.mark.parametrize("default", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_a_default_type_of_the_process_changes_nothing(default: torch.dtype):
    x, weight = noise(8, 24, 10, 10), noise(40, 24, 3, 3)
    expected = everything(x, weight, [far_norm(), far_norm()])
    norms = [far_norm(), far_norm()]
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        found = everything(x, weight, norms)
    finally:
        torch.set_default_dtype(before)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_default_device_of_the_process_changes_nothing():
    x, weight = noise(8, 24, 10, 10), noise(40, 24, 3, 3)
    expected = everything(x, weight, [far_norm(), far_norm()])
    norms = [far_norm(), far_norm()]
    with torch.device("meta"):
        found = everything(x, weight, norms)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_an_image_without_a_batch_is_convolved():
    conv, x = Conv3x3(32, 32), noise(8, 32, 14, 14)
    torch.testing.assert_close(conv(x[0]), conv(x)[0], rtol=1e-4, atol=1e-5)


def test_functions_can_be_transformed():
    conv, x = Conv3x3(32, 32), noise(3, 8, 32, 14, 14)
    found = torch.func.vmap(conv)(x)
    torch.testing.assert_close(found, torch.stack([conv(each) for each in x]), rtol=1e-4, atol=1e-5)

    def loss(weight: Tensor) -> Tensor:
        return F.gelu(torch.func.functional_call(conv, {"weight": weight}, (x[0],))).sum()

    slope = torch.func.grad(loss)(conv.weight.detach())
    (expected,) = torch.autograd.grad(loss(conv.weight), conv.weight)
    torch.testing.assert_close(slope, expected, rtol=1e-4, atol=1e-3)

    def normed(x: Tensor) -> Tensor:
        assert not can_fuse(x, nn.BatchNorm2d(32), nn.GELU())
        return x.sum()

    torch.func.grad(normed)(x[0])


class Marked(Tensor):
    """A type that a user's own operators may look for."""


def marked(x: Tensor) -> Tensor:
    return x.as_subclass(Marked)


@pytest.mark.parametrize("mark", [marked, Tensor.to_mkldnn])
def test_tensors_of_other_kinds_are_left_to_pytorch(mark: Callable[[Tensor], Tensor]):
    conv, x = Conv3x3(32, 32), noise(8, 32, 14, 14)
    with torch.no_grad():
        found = conv(mark(x))
        assert type(found) is type(mark(x))
        found = found.to_dense() if found.layout != torch.strided else found
        torch.testing.assert_close(found.as_subclass(Tensor), conv(x), rtol=1e-4, atol=1e-5)
    assert not can_fuse(mark(x), nn.BatchNorm2d(32), nn.GELU())


@pytest.mark.usefixtures("threads")
def test_threads_without_work_take_no_memory(monkeypatch: pytest.MonkeyPatch):
    """The sums of a layer of 512 channels take 38 MB in each thread."""
    taken: list[int] = []

    def float32(*shape: int) -> Tensor:
        taken.append(shape[0] if len(shape) > 1 else 1)
        return torch.empty(shape)

    monkeypatch.setattr(winograd, "float32", float32)
    conv_and_gradients(noise(2, 24, 20, 20), noise(24, 24, 3, 3))
    assert max(taken) == 2  # 50 tiles are two blocks


def test_gradients_and_weights_in_any_layout_are_taken():
    x, weight = noise(4, 24, 9, 9), noise(32, 24, 3, 3)
    spread = torch.zeros(64, 24, 3, 6)[::2, :, :, ::2].copy_(weight)
    expected = conv_and_gradients(x, weight)
    found = conv_and_gradients(x.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1), spread)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    y = norm_activate(x.requires_grad_(), nn.BatchNorm2d(24), nn.ReLU())
    y.sum().backward()  # whose gradient is one number, expanded
    assert x.grad is not None
    assert x.grad.isfinite().all()
