"""The fused operation beside PyTorch's own in double precision."""

import copy
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels.norm_act import can_fuse, can_fuse_inference, norm_act, pool_act
from thriftnet.models.layers import norm_activate, pool_norm_activate

ACTIVATIONS = [nn.Identity(), nn.ReLU(), nn.GELU(), nn.SiLU()]
ROUNDING = {torch.bfloat16: 2**-8, torch.float32: 2**-20}
"""Relative."""


def features(dtype: torch.dtype, *shape: int, seed: int = 0, mean: float = 1.0) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2 + mean
    return values.to(dtype).to(memory_format=torch.channels_last)


def make_norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=0.4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def reference(x: Tensor, norm: nn.Module, act: nn.Module, residual: Tensor | None, pool: bool):
    y = norm(F.max_pool2d(x, 2) if pool else x)
    return act(y if residual is None else y + residual)


def distance(found: Tensor | None, expected: Tensor | None) -> float:
    assert found is not None
    assert expected is not None
    found, expected = found.detach().double(), expected.detach().double()
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("act", "pool", "residual", "shape"),
    [
        (act, pool, residual, shape)
        for act, (pool, residual), shape in product(
            ACTIVATIONS,
            [(False, False), (True, False), (False, True)],
            [(6, 40, 8, 8), (5, 24, 7, 9), (2, 3, 4, 5), (300, 8, 3, 3)],
        )
    ],
    ids=str,
)
def test_it_equals_pytorch(
    act: nn.Module,
    pool: bool,
    residual: bool,
    shape: tuple[int, int, int, int],
    dtype: torch.dtype,
):
    torch.manual_seed(0)
    norm = make_norm(shape[1])
    exact = copy.deepcopy(norm).double()
    x, r = features(dtype, *shape), features(dtype, *shape, seed=1) if residual else None
    x64 = x.double().requires_grad_()
    r64 = None if r is None else r.double().requires_grad_()
    expected = reference(x64, exact, act, r64, pool)
    gradient = features(dtype, *expected.shape, seed=2)
    expected.backward(gradient.double())

    x.requires_grad_()
    if r is not None:
        r.requires_grad_()
    assert can_fuse(x, norm, act, pool=pool) == (dtype == torch.bfloat16 or shape[1] >= 24)
    found = norm_act(x, norm, act, residual=r, pool=pool)
    found.backward(gradient)
    assert found.shape == expected.shape
    assert found.dtype == dtype
    rounding = ROUNDING[dtype]
    assert distance(found, expected) < rounding

    assert distance(x.grad, x64.grad) < 2 * rounding
    assert distance(norm.weight.grad, exact.weight.grad) < rounding
    assert distance(norm.bias.grad, exact.bias.grad) < rounding
    assert distance(norm.running_mean, exact.running_mean) < 1e-5
    assert distance(norm.running_var, exact.running_var) < 1e-4
    assert norm.num_batches_tracked == 1
    if r is not None and r64 is not None:
        assert distance(r.grad, r64.grad) < rounding


def test_the_variance_survives_a_mean_a_thousand_times_larger(dtype: torch.dtype):
    norm = nn.BatchNorm2d(4)
    assert norm.running_mean is not None
    norm.running_mean.fill_(1000.0)
    values = 1000 + 8 * torch.randint(-4, 5, (64, 4, 4, 4)).float()  # exact in bfloat16
    x = values.to(dtype).to(memory_format=torch.channels_last)
    found = norm_act(x, norm, nn.Identity())
    exact = F.batch_norm(values.double(), None, None, training=True)
    assert distance(found, exact) < ROUNDING[dtype]


def test_pooling_passes_the_gradient_to_the_first_of_equal_pixels(dtype: torch.dtype):
    x = torch.zeros(2, 16, 4, 5).to(dtype).to(memory_format=torch.channels_last)
    x[1] = 1  # two values a channel, so that the norm has something to divide by
    x.requires_grad_()
    norm_act(x, nn.BatchNorm2d(16), nn.GELU(), pool=True).sum().backward()
    assert x.grad is not None
    moved = x.grad.float().abs().sum((0, 1))
    assert moved[::2, :4:2].min() > 0
    assert moved.sum() == moved[::2, :4:2].sum()


def test_equal_inputs_give_equal_bits(dtype: torch.dtype):
    def once() -> tuple[Tensor, Tensor]:
        norm, x = nn.BatchNorm2d(32), features(dtype, 9, 32, 14, 14).requires_grad_()
        norm_act(x, norm, nn.GELU(), pool=True).square().sum().backward()
        assert x.grad is not None
        assert norm.bias.grad is not None
        return x.grad, norm.bias.grad

    first, second = once(), once()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_what_is_not_a_number_is_not_hidden(act: nn.Module, pool: bool, dtype: torch.dtype):
    x = features(dtype, 4, 8, 4, 4)
    x[2, 3, 1, 1] = torch.nan
    found = norm_act(x, nn.BatchNorm2d(8), act, pool=pool)
    assert found[:, 3].isnan().all()
    assert found[:, :3].isfinite().all()


@pytest.mark.parametrize("shape", [(6, 40, 8, 8), (5, 24, 7, 9), (1, 3, 2, 3)])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_reading_pools_and_activates_in_one_pass(
    act: nn.Module, shape: tuple[int, int, int, int], dtype: torch.dtype
):
    x = features(dtype, *shape)
    x[0, 0, 0, 0] = torch.nan
    assert not can_fuse_inference(x, nn.Identity(), act)
    with torch.no_grad():
        wide = dtype == torch.bfloat16 or shape[1] >= 24
        assert can_fuse_inference(x, nn.Identity(), act) == wide
        assert not can_fuse_inference(x, nn.BatchNorm2d(shape[1]), act)
        found, expected = pool_act(x, act), act(F.max_pool2d(x.double(), 2))
    assert torch.equal(found.isnan(), expected.isnan())
    assert distance(found.nan_to_num(), expected.nan_to_num()) < ROUNDING[dtype]


@pytest.mark.parametrize("pool", [False, True])
def test_features_in_any_layout_are_taken(pool: bool, dtype: torch.dtype):
    x = features(dtype, 4, 8, 6, 6)
    spread = torch.zeros(4, 16, 6, 12, dtype=dtype)[:, ::2, :, ::2].copy_(x)
    found = [
        norm_act(each, nn.BatchNorm2d(8), nn.ReLU(), pool=pool)
        for each in (x, x.contiguous(), spread)
    ]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_second_derivative_is_an_error(dtype: torch.dtype):
    x = features(dtype, 4, 24, 6, 6).requires_grad_()
    y = norm_act(x, nn.BatchNorm2d(24), nn.GELU())
    (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_a_trace_holds_operators_of_pytorch(dtype: torch.dtype):
    x = features(dtype, 4, 24, 6, 6)

    def read(x: Tensor) -> Tensor:
        return pool_norm_activate(x, nn.Identity(), nn.GELU())

    with torch.no_grad(), pytest.deprecated_call():
        traced: Any = torch.jit.trace(read, (torch.zeros_like(x),))
        assert distance(traced(x), read(x)) < ROUNDING[dtype]


def test_it_is_left_to_pytorch_where_it_does_not_apply(dtype: torch.dtype):
    x, norm, act = features(dtype, 4, 24, 6, 6), nn.BatchNorm2d(24), nn.ReLU()
    assert can_fuse(x, norm, act)
    assert not can_fuse(x.double(), norm, act)
    assert not can_fuse(x.half(), norm, act)
    assert not can_fuse(x, copy.deepcopy(norm).double(), act)
    assert not can_fuse(x, norm.eval(), act)
    assert not can_fuse(x, nn.Identity(), act)
    assert not can_fuse(x, nn.BatchNorm2d(24), nn.Tanh())
    assert not can_fuse(x[:0], nn.BatchNorm2d(24), act)
    assert can_fuse(x[:, :23], nn.BatchNorm2d(23), act) == (dtype == torch.bfloat16)


@pytest.mark.parametrize(("shape", "pool"), [((1, 24, 3, 3), True), ((1, 24, 1, 1), False)])
def test_a_single_value_is_refused_as_pytorch_refuses_it(
    shape: tuple[int, ...], pool: bool, dtype: torch.dtype
):
    x, norm, act = features(dtype, *shape), nn.BatchNorm2d(24), nn.ReLU()
    assert not can_fuse(x, norm, act, pool=pool)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        (pool_norm_activate if pool else norm_activate)(x, norm, act)
    assert can_fuse(torch.cat([x, x]), norm, act, pool=pool)
