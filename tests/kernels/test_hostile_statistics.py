"""Every fused operation, forward and backward, beside float64 on features that break fp32 sums."""

import copy
import os
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels import strips
from thriftnet.kernels.conv import Conv3x3
from thriftnet.kernels.norm_act import can_fuse, norm_act, pool_act

ROUNDING = {torch.bfloat16: 2**-8, torch.float32: 2**-17}
"""Relative, and what is held of a channel far from zero."""
ACTIVATIONS = [nn.Identity(), nn.ReLU(), nn.GELU(), nn.SiLU()]
N, H, W = 6, 7, 9


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _one_other(usual: float, other: float, at: int) -> Tensor:
    channel = torch.full((N, H, W), usual)
    channel.view(-1)[at] = other
    return channel


CHANNELS = {
    "ordinary": _noise(N, H, W),
    "constant": torch.full((N, H, W), 3.0),
    "constant and huge": torch.full((N, H, W), -1e30),
    "constant in each image": _noise(N, 1, 1).expand(N, H, W),
    "zeros": torch.zeros(N, H, W),
    "far, little spread": 1000 + 8 * _noise(N, H, W).sign(),
    "huge, little spread": 1e30 + 1e28 * _noise(N, H, W).sign(),
    "huge spread": 1e30 * _noise(N, H, W),
    "all of fp32": 3.3e38 * _noise(N, H, W).sign(),
    "one outlier": _one_other(0.0, 3e4, at=40),
    "one huge outlier, first": _one_other(1.0, 1e30, at=0),
    "barely not constant": _one_other(100.0, 100.5, at=-1),
    "subnormal": 1e-39 * _noise(N, H, W),
    "some subnormal": _one_other(1e-40, 1.0, at=11),
    "an infinity": _one_other(0.5, torch.inf, at=3),
    "a negative infinity": _one_other(0.5, -torch.inf, at=50),
    "not a number": _one_other(0.5, torch.nan, at=20),
}
"""Each (N, H, W); bfloat16 rounds them first."""


def _features(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values.to(dtype).contiguous(memory_format=torch.channels_last)


def _of(*names: str, dtype: torch.dtype) -> Tensor:
    return _features(torch.stack([CHANNELS[name] for name in names], dim=1), dtype)


# `make numerics` says how many; where nothing is said, one, an even and an odd number, and many.
ASKED = os.environ.get("THRIFTNET_TEST_THREADS")


@pytest.fixture(params=[int(ASKED)] if ASKED else [1, 2, 3, 16], ids=lambda n: f"{n} threads")
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def _assert_close(
    found: Tensor | None, expected: Tensor | None, size: Tensor, dtype: torch.dtype | None = None
) -> None:
    """Not finite in the same places, elsewhere within the type's rounding of `size`."""
    assert found is not None
    assert expected is not None
    rounding = ROUNDING[found.dtype if dtype is None else dtype]
    found, size = found.detach().double(), size.nan_to_num(0, 0, 0).clamp(min=1e-30)
    assert torch.equal(found.isfinite(), expected.isfinite())
    error = ((found - expected) / size).detach().nan_to_num(0).abs()
    worst = float(error.max())
    assert worst < 2 * rounding, error.flatten().topk(3)


def _largest(x: Tensor) -> Tensor:
    """Of each channel: (1, C, 1, 1)."""
    return x.detach().abs().nan_to_num(0, 0, 0).amax((0, 2, 3), keepdim=True)


def _check(
    x: Tensor, act: nn.Module, residual: Tensor | None, pool: bool, running_mean: float
) -> None:
    norm = nn.BatchNorm2d(x.shape[1])
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.weight.copy_(_noise(x.shape[1], seed=1))
        norm.bias.copy_(_noise(x.shape[1], seed=2))
        norm.running_mean.fill_(running_mean)
    exact = copy.deepcopy(norm).double()
    x64 = x.double().requires_grad_()
    r64 = None if residual is None else residual.double().requires_grad_()
    y = F.max_pool2d(x64, 2) if pool else x64
    u = exact(y - y[:1, :, :1, :1].detach())  # the same, and exact where a channel is huge
    u = u if r64 is None else u + r64
    u.retain_grad()
    expected = act(u)
    gradient = _features(_noise(*expected.shape, seed=3), x.dtype)
    expected.backward(gradient.double())

    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    r = None if residual is None else residual.clone().requires_grad_()
    assert can_fuse(x, norm, act, pool=pool) or x.shape[1] < 24
    found = norm_act(x, norm, act, residual=r, pool=pool)
    found.backward(gradient)

    _assert_close(found, expected, _largest(u))
    du, flat = u.grad, (0, 2, 3)
    assert du is not None
    assert norm.running_var.ge(0).logical_or(norm.running_var.isnan()).all()
    variance = (y - y[:1, :, :1, :1]).var(flat, correction=0)
    steepness = (exact.weight.abs() * torch.rsqrt(variance + norm.eps)).view(1, -1, 1, 1)
    _assert_close(x.grad, x64.grad, steepness * (_largest(du) + _largest(gradient)))
    reach = torch.ones_like(variance) * du[0, 0].numel() * len(du)
    size = _largest(du).flatten()
    _assert_close(norm.bias.grad, exact.bias.grad, size * reach.sqrt(), x.dtype)
    _assert_close(norm.weight.grad, exact.weight.grad, size * reach, x.dtype)
    if r is not None and r64 is not None:
        _assert_close(r.grad, r64.grad, _largest(du))


@pytest.mark.parametrize("way", ["plain", "residual", "pool"])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("name", CHANNELS)
def test_norm_act_of_a_hostile_channel(name: str, act: nn.Module, way: str, dtype: torch.dtype):
    x = _of(name, "ordinary", dtype=dtype)
    residual = _features(_noise(*x.shape, seed=4), dtype) if way == "residual" else None
    for running_mean in (0.0, 0.333, -55.5):
        _check(x, act, residual, way == "pool", running_mean)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("images", [1, 2, N])
@pytest.mark.parametrize("way", ["plain", "residual", "pool"])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_norm_act_of_all_of_them_with_any_number_of_threads(
    act: nn.Module, way: str, images: int, dtype: torch.dtype
):
    x = _features(_of(*CHANNELS, dtype=dtype)[:images], dtype)
    residual = _features(_noise(*x.shape, seed=4), dtype) if way == "residual" else None
    _check(x, act, residual, way == "pool", 0.333)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 1, 2), (3, 1, 1), (1, 65, 1), (129, 1, 1)])
def test_norm_act_of_few_and_odd_rows(shape: tuple[int, int, int], dtype: torch.dtype):
    values = torch.stack([_noise(*shape), torch.full(shape, 7.0), 900 + _noise(*shape)], dim=1)
    _check(_features(values, dtype), nn.GELU(), None, pool=False, running_mean=0.333)


@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 3e38, -3e38, 1e20, -90.0])
def test_norm_act_with_a_hostile_residual(value: float, act: nn.Module, dtype: torch.dtype):
    residual = _of("ordinary", "ordinary", dtype=dtype)
    residual[1, 0, 2, 3] = value
    _check(_of("ordinary", "one outlier", dtype=dtype), act, residual, pool=False, running_mean=0.0)


@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_running_statistics_of_hostile_channels(act: nn.Module, dtype: torch.dtype):
    too_wide = {"huge spread", "all of fp32"}  # their variance exceeds fp32
    names = [name for name in CHANNELS if name not in too_wide]
    x, norm = _of(*names, dtype=dtype), nn.BatchNorm2d(len(names))
    exact = copy.deepcopy(norm).double()
    norm_act(x, norm, act)
    exact(x.double())
    for found, expected in [
        (norm.running_mean, exact.running_mean),
        (norm.running_var, exact.running_var),
    ]:
        assert isinstance(found, Tensor)
        assert isinstance(expected, Tensor)
        torch.testing.assert_close(found, expected.float(), equal_nan=True, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("images", [1, N])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_pool_act_of_hostile_channels(act: nn.Module, images: int, dtype: torch.dtype):
    x = _features(_of(*CHANNELS, dtype=dtype)[:images], dtype)
    expected = act(F.max_pool2d(x.double(), 2))
    with torch.no_grad():
        _assert_close(pool_act(x, act), expected, _largest(x.double()))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("images", [1, N])
def test_strips_of_hostile_channels(images: int, monkeypatch: pytest.MonkeyPatch):
    def always(x: Tensor) -> bool:
        return len(x) > 0

    monkeypatch.setattr(strips, "gains", always)
    names = [name for name in CHANNELS if name != "all of fp32"]  # its sums exceed fp32
    conv = Conv3x3(len(names), 8)
    x = _of(*names, dtype=torch.bfloat16)[:images]
    x = _features(x, torch.bfloat16).requires_grad_()
    gradient = _features(_noise(images, 8, H, W, seed=3), torch.bfloat16)
    conv(x).backward(gradient)
    x64 = x.detach().double().requires_grad_()
    w64 = conv.weight.detach().bfloat16().double().requires_grad_()
    F.conv2d(x64, w64, padding=1).backward(gradient.double())
    assert x64.grad is not None
    assert w64.grad is not None
    assert conv.weight.grad is not None
    # Without bfloat16 arithmetic PyTorch rounds between the taps: as exact as its own, no more.
    ordinary = x.detach().requires_grad_()
    F.conv2d(ordinary, conv.weight.detach().bfloat16(), padding=1).backward(gradient)
    assert ordinary.grad is not None
    _assert_close(x.grad, ordinary.grad.double(), _largest(x64.grad))
    # An infinity beside the zeros between two images is not a number: finite are the same channels.
    found = conv.weight.grad.isfinite().all(3).all(2)
    assert torch.equal(found, w64.grad.isfinite().all(3).all(2))
    reach = _largest(x64).flatten()[None, :, None, None] * gradient.double().abs().sum()
    _assert_close(
        torch.where(found[..., None, None], conv.weight.grad, 0),
        torch.where(found[..., None, None], w64.grad, 0),
        reach.expand_as(w64) * 0.1,
        torch.bfloat16,
    )
