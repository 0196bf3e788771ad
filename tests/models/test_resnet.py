"""The residual family: shapes, options and the parts against NumPy."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thriftnet.models.build import build_model
from thriftnet.models.describe import layer_table
from thriftnet.models.layers import SqueezeExcitation, StochasticDepth
from thriftnet.models.resnet import BasicBlock, PaddedShortcut, ResNet


def tiny(**options: Any) -> ResNet:
    settings = {"blocks": [1, 1], "channels": [4, 6], **options}
    network = build_model(family="resnet", classes=3, **settings)
    assert isinstance(network, ResNet)
    return network


@pytest.fixture
def images() -> Tensor:
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("blocks", "side", "width"),
    [
        ([1, 1, 1, 1], 4, 10),
        ([3, 1, 1, 0], 8, 8),
        ([0, 2, 0, 1], 8, 10),
        ([0, 0, 0, 1], 16, 10),
        ([2, 0, 0, 0], 32, 4),
        ([0, 1, 1, 0], 8, 8),
    ],
)
def test_stage_of_no_blocks_neither_downsamples_nor_widens(
    blocks: list[int], side: int, width: int
):
    network = tiny(blocks=blocks, channels=[4, 6, 8, 10])
    convolutions = [layer for layer in layer_table(network) if layer.kind == "Conv2d"]
    assert convolutions[-1].output_shape == (width, side, side)
    assert network.head.in_features == width
    assert len([m for m in network.modules() if isinstance(m, BasicBlock)]) == sum(blocks)


OPTIONS = {
    "activation": ["relu", "gelu", "silu"],
    "shortcut": ["projection", "padded"],
    "squeeze_excitation": [0, 2],
    "zero_init_last": [False, True],
    "stochastic_depth": [0.0, 0.3],
}
COMBINATIONS = [dict(zip(OPTIONS, values, strict=True)) for values in product(*OPTIONS.values())]


@pytest.mark.parametrize("options", COMBINATIONS, ids=lambda options: str([*options.values()]))
def test_every_combination_of_options_learns(images: Tensor, options: dict[str, Any]):
    network = tiny(blocks=[1, 0, 2], channels=[4, 5, 6], **options)
    torch.manual_seed(0)
    logits = network.train()(images)
    assert logits.shape == (5, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0, 1])).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert network.head.weight.grad.abs().max() > 0
    with torch.no_grad():
        network.eval()
        assert torch.allclose(network(images)[:2], network(images[:2]), atol=1e-5)


@pytest.mark.parametrize("squeeze_excitation", [0, 2])
@pytest.mark.parametrize("shortcut", ["projection", "padded"])
def test_zero_initialised_block_is_its_shortcut(
    images: Tensor, squeeze_excitation: int, shortcut: str
):
    network = tiny(
        zero_init_last=True, squeeze_excitation=squeeze_excitation, shortcut=shortcut
    ).eval()
    features = network.stem(images)
    with torch.no_grad():
        for stage in network.stages:
            for block in stage:
                expected = torch.relu(block.shortcut(features))
                features = block(features)
                assert torch.equal(features, expected)


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, again, other = (tiny(seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.rand(3), expected)  # the global generator was left alone
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.head.weight, other.head.weight)
    assert first.stem[0].weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("out", "stride"), [(7, 2), (4, 2), (9, 1), (2, 2)])
@pytest.mark.parametrize("side", [8, 7])
def test_padded_shortcut_strides_and_adds_zero_channels(out: int, stride: int, side: int):
    x = torch.randn(2, 4, side, side)
    layer = PaddedShortcut(4, out, stride=stride)
    strided = x.numpy()[:, :, ::stride, ::stride]
    expected = np.zeros((2, out, *strided.shape[2:]), np.float32)
    expected[:, : min(4, out)] = strided[:, : min(4, out)]
    np.testing.assert_array_equal(layer(x).numpy(), expected)
    assert list(layer.parameters()) == []


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(6, 2, 3), (4, 16, 1)])
def test_squeeze_excitation_against_numpy(channels: int, reduction: int, hidden: int):
    torch.manual_seed(0)
    layer, x = SqueezeExcitation(channels, reduction=reduction), torch.randn(3, channels, 5, 4)
    down, up = layer.down.weight.detach().numpy(), layer.up.weight.detach().numpy()
    pooled = x.numpy().mean((2, 3))
    inner = np.maximum(pooled @ down.T + layer.down.bias.detach().numpy(), 0)
    gate = 1 / (1 + np.exp(-(inner @ up.T + layer.up.bias.detach().numpy())))
    assert inner.shape == (3, hidden)
    np.testing.assert_allclose(
        layer(x).detach().numpy(), x.numpy() * gate[:, :, None, None], rtol=1e-5, atol=1e-6
    )


def test_stochastic_depth_is_the_identity_when_it_should_be():
    x = torch.randn(4, 3, 2, 2)
    assert torch.equal(StochasticDepth(0.5).eval()(x), x)
    assert torch.equal(StochasticDepth(0.0).train()(x), x)


@pytest.mark.parametrize("probability", [0.2, 0.75])
def test_stochastic_depth_drops_whole_images_and_keeps_the_expectation(probability: float):
    layer, x = StochasticDepth(probability).train(), torch.ones(20_000, 2, 2, 1)
    torch.manual_seed(0)
    y = layer(x)
    torch.manual_seed(0)
    assert torch.equal(layer(x), y)
    assert not torch.equal(layer(x), y)
    assert y.flatten(1).std(1).max() == 0  # one fate for all of an image
    kept = y[:, 0, 0, 0] > 0
    assert torch.allclose(y[kept], torch.tensor(1 / (1 - probability)))
    deviation = (probability * (1 - probability) / len(x)) ** 0.5
    assert abs(kept.float().mean().item() - (1 - probability)) < 4 * deviation


def test_deeper_blocks_drop_more_often():
    network = tiny(blocks=[2, 0, 2], channels=[4, 4, 4], stochastic_depth=0.4)
    drops = [m.probability for m in network.modules() if isinstance(m, StochasticDepth)]
    assert drops == pytest.approx([0.1, 0.2, 0.3, 0.4])
