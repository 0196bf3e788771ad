"""Convolutions by Winograd's minimal filtering equal those by the definition."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.kernels import winograd
from thriftnet.kernels.conv import Conv3x3
from thriftnet.kernels.winograd import WinogradConv
from thriftnet.models.build import build_model

pytestmark = pytest.mark.usefixtures("compiled", "winograd_compiled")

SHAPES = [  # images, channels in and out, height, width, padding
    (5, 24, 64, 30, 30, 0),
    (2, 40, 30, 7, 9, 1),
    (3, 48, 48, 3, 3, 1),
    (1, 33, 25, 4, 5, 1),
    (40, 24, 24, 5, 5, 1),  # several blocks of tiles
    (7, 3, 1, 6, 11, 0),
]
Conv = Callable[[Tensor, Tensor], Tensor]


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """As many threads, more than there are blocks in some cases."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def ours(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    found = WinogradConv.apply(x, weight, padding)
    assert isinstance(found, Tensor)
    return found


def nothing(_: torch.dtype) -> None:
    """What is found without a compiler."""


def made(
    shape: tuple[int, int, int, int, int, int], layout: torch.memory_format
) -> tuple[Tensor, Tensor, Tensor]:
    """Features, weights, and the gradient of their convolution."""
    n, c_in, c_out, h, w, padding = shape
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(n, c_in, h, w, generator=draw)
    weight = torch.randn(c_out, c_in, 3, 3, generator=draw)
    g = torch.randn(n, c_out, h + 2 * padding - 2, w + 2 * padding - 2, generator=draw)
    return tuple(each.contiguous(memory_format=layout) for each in (x, weight, g))


def results(conv: Conv, x: Tensor, weight: Tensor, gradient: Tensor) -> list[Tensor]:
    """The convolution and both gradients."""
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = conv(x, weight)
    return [y.detach(), *torch.autograd.grad(y, [x, weight], gradient)]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_equal_the_definition(
    shape: tuple[int, int, int, int, int, int], layout: torch.memory_format
):
    x, weight, gradient = made(shape, layout)
    found = results(lambda x, w: ours(x, w, shape[-1]), x, weight, gradient)
    exact = results(
        lambda x, w: F.conv2d(x, w, padding=shape[-1]),
        *(each.double() for each in (x, weight, gradient)),
    )
    for each, expected in zip(found, exact, strict=True):
        assert each.dtype == torch.float32
        assert each.shape == expected.shape
        assert (each - expected).norm() < 4e-6 * expected.norm()
        assert (each - expected).abs().max() < 4e-5 * expected.abs().max()


def test_an_image_gives_the_same_bits_in_every_batch_and_with_every_number_of_threads():
    x, weight, gradient = made((50, 24, 32, 9, 10, 1), torch.channels_last)
    whole = results(lambda x, w: ours(x, w, 1), x, weight, gradient)
    for part in (slice(0, 1), slice(7, 19)):
        found = results(lambda x, w: ours(x, w, 1), x[part], weight, gradient[part])
        assert torch.equal(found[0], whole[0][part])
        assert torch.equal(found[1], whole[1][part])
    before = torch.get_num_threads()
    torch.set_num_threads(before + 2)
    found = results(lambda x, w: ours(x, w, 1), x, weight, gradient)
    torch.set_num_threads(before)
    assert torch.equal(found[0], whole[0])
    assert torch.equal(found[1], whole[1])


def test_equal_inputs_give_equal_bits():
    x, weight, gradient = made((9, 24, 40, 14, 14, 1), torch.channels_last)
    first, second = (results(lambda x, w: ours(x, w, 1), x, weight, gradient) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_only_what_is_asked_for_is_computed(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> Tensor:
        raise AssertionError("nobody asked for this gradient")

    x, weight, gradient = made((2, 24, 24, 8, 8, 1), torch.channels_last)
    with monkeypatch.context() as patch:
        patch.setattr(winograd, "_weight_gradient", refuse)
        y = ours(x.requires_grad_(), weight, 1)
        y.backward(gradient)
    assert x.grad is not None
    y = ours(x.detach(), weight.requires_grad_(), 1)
    monkeypatch.setattr(winograd, "convolve", refuse)
    y.backward(gradient)
    assert weight.grad is not None


@pytest.mark.parametrize(
    ("images", "c_in", "c_out", "side", "padding", "taken"),
    [
        (8, 64, 64, 14, 1, True),
        (32, 24, 64, 30, 0, True),
        (32, 256, 256, 3, 1, True),
        (32, 64, 64, 5, 1, False),  # 1.6 times fewer products gain nothing
        (32, 64, 64, 2, 1, False),  # 36 products a channel by either way
        (31, 64, 64, 3, 1, False),  # few tiles
        (8, 3, 64, 32, 1, False),
        (8, 64, 16, 32, 1, False),
    ],
)
def test_where_they_are_taken(
    images: int, c_in: int, c_out: int, side: int, padding: int, taken: bool
):
    x, weight = torch.empty(images, c_in, side, side), torch.empty(c_out, c_in, 3, 3)
    assert winograd.gains(x, weight, padding=padding) == taken


def test_elsewhere_convolutions_are_pytorchs(monkeypatch: pytest.MonkeyPatch):
    conv, x = Conv3x3(64, 64), torch.randn(8, 64, 14, 14)
    usual = conv(x)
    assert "Winograd" in type(usual.grad_fn).__name__

    def refuse(*_: object) -> None:
        raise AssertionError("not here")

    monkeypatch.setattr(WinogradConv, "apply", refuse)
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(x).dtype == torch.bfloat16
    assert conv.double()(x.double()).dtype == torch.float64
    with pytest.raises(RuntimeError, match="same"):
        conv(x)
    with pytest.raises(RuntimeError, match="channels"):
        Conv3x3(32, 64)(x)
    strided = Conv3x3(64, 64, stride=2)
    assert strided(x).shape == (8, 64, 7, 7)
    monkeypatch.setattr(winograd, "winograd", lambda: None)
    torch.testing.assert_close(conv.float()(x), usual, rtol=1e-4, atol=1e-5)


def test_infinite_features_are_noticed():
    x, weight, gradient = made((2, 24, 24, 8, 8, 1), torch.channels_last)
    x[1, 3, 2, 2] = torch.inf
    found = results(lambda x, w: ours(x, w, 1), x, weight, gradient)
    assert found[0][0].isfinite().all()
    assert not found[0][1].isfinite().all()
    assert not found[2].isfinite().all()


def test_a_second_derivative_is_an_error():
    x, weight, _ = made((2, 24, 24, 8, 8, 1), torch.channels_last)
    (slope,) = torch.autograd.grad(
        ours(x.requires_grad_(), weight, 1).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


@pytest.mark.parametrize(
    "architecture",
    [
        {"family": "speednet", "blocks": [2, 2], "channels": [32, 48], "stem_kernel": 3},
        {"family": "resnet", "blocks": [2, 1], "channels": [24, 32], "activation": "gelu"},
    ],
    ids=str,
)
def test_networks_have_the_gradients_of_float64(
    architecture: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    images = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def gradients(dtype: torch.dtype) -> Tensor:
        model = build_model(classes=10, seed=1, **architecture).train().to(dtype)
        logits = model(images.to(dtype).to(memory_format=torch.channels_last))
        F.cross_entropy(logits, torch.arange(16) % 10).backward()
        found = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        return torch.cat(found).double()

    found = gradients(torch.float32)
    monkeypatch.setattr(winograd, "winograd", lambda: None)
    monkeypatch.setattr("thriftnet.kernels.norm_act.fused", nothing)
    theirs, exact = gradients(torch.float32), gradients(torch.float64)
    assert not torch.equal(found, theirs)
    # Another rounding may choose another pixel of a max pool: 1e-4 then, else some 1e-6.
    for each in (found, theirs):
        assert (each - exact).norm() < 1e-3 * exact.norm()
