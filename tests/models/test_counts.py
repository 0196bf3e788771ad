"""Parameters and multiply-accumulates: the figures of the issue, and an independent formula."""

from typing import Any

import numpy as np
import pytest
import torch

from thriftnet.errors import RecipeError
from thriftnet.models.build import build_model, outline_model
from thriftnet.models.describe import count_macs, count_parameters, layer_table, training_flops
from thriftnet.models.summary import summarise

PAPER = {"family": "resnet", "blocks": [3, 5, 3, 0], "channels": [64, 128, 256, 512]}
RESNET18 = {"family": "resnet", "blocks": [2, 2, 2, 2], "channels": [64, 128, 256, 512]}


def formula(blocks: list[int], channels: list[int], *, squeeze: int = 0) -> tuple[int, int]:
    """Parameters and MACs of a projection-shortcut ResNet on 32x32, from the paper's drawing."""
    width, side = channels[0], 32
    parameters = 27 * width + 2 * width
    macs = 27 * width * side * side
    for stage, (count, out) in enumerate(zip(blocks, channels, strict=True)):
        for index in range(count):
            strided = stage > 0 and index == 0
            side = side // 2 if strided else side
            parameters += 9 * width * out + 9 * out * out + 4 * out
            macs += (9 * width * out + 9 * out * out) * side * side
            if strided or width != out:
                parameters += width * out + 2 * out
                macs += width * out * side * side
            if squeeze:
                hidden = max(1, out // squeeze)
                parameters += 2 * out * hidden + hidden + out
                macs += 2 * out * hidden
            width = out
    return parameters + 10 * width + 10, macs + 10 * width


def test_counts_of_the_issue():
    paper, peer = build_model(classes=10, **PAPER), build_model(classes=10, **RESNET18)
    assert count_parameters(paper) == 4_918_602
    assert round(count_macs(paper) / 1e6, 1) == 798.7
    assert count_parameters(peer) == 11_173_962
    assert round(1 - 4_918_602 / count_parameters(peer), 2) == 0.56  # the report says 26%


def test_layers_of_the_authors_network():
    layers = {layer.name: layer for layer in layer_table(build_model(classes=10, **PAPER))}
    authors = {
        "stem.0": (1_728, (64, 32, 32)),
        "stages.0.0.conv1": (36_864, (64, 32, 32)),
        "stages.0.2.conv2": (36_864, (64, 32, 32)),
        "stages.1.0.conv1": (73_728, (128, 16, 16)),
        "stages.1.0.conv2": (147_456, (128, 16, 16)),
        "stages.1.0.shortcut.0": (8_192, (128, 16, 16)),
        "stages.2.0.conv1": (294_912, (256, 8, 8)),
        "stages.2.0.conv2": (589_824, (256, 8, 8)),
        "stages.2.0.shortcut.0": (32_768, (256, 8, 8)),
        "head": (2_570, (10,)),
    }
    assert {name: (layers[name].parameters, layers[name].output_shape) for name in authors} == (
        authors
    )
    assert sum(layer.kind == "Conv2d" for layer in layers.values()) == 1 + 2 * 11 + 2
    assert sum(layer.parameters for layer in layers.values()) == 4_918_602


@pytest.mark.parametrize(
    ("blocks", "channels", "squeeze"),
    [
        ([3, 5, 3, 0], [64, 128, 256, 512], 0),
        ([2, 2, 2, 2], [64, 128, 256, 512], 0),
        ([0, 2, 0, 1], [8, 12, 16, 20], 0),
        ([1, 1], [8, 8], 0),
        ([1, 2], [16, 24], 4),
        ([2], [6], 16),
    ],
)
def test_counts_equal_the_formula(blocks: list[int], channels: list[int], squeeze: int):
    network = build_model(
        family="resnet", classes=10, blocks=blocks, channels=channels, squeeze_excitation=squeeze
    )
    expected = formula(blocks, channels, squeeze=squeeze)
    assert (count_parameters(network), count_macs(network)) == expected


def test_counts_of_a_speednet():
    network = build_model(family="speednet", classes=10, blocks=[2, 1], channels=[8, 16])
    # The stem's filters are frozen, as are the norms' scales; biases are learned.
    weights = 9 * (24 * 8 + 8 * 8 + 8 * 16) + 16 * 10
    assert count_parameters(network) == 24 + weights + (8 + 8 + 16)
    macs = 12 * 24 * 31**2 + 9 * (24 * 8 * 31**2 + 8 * 8 * 15**2 + 8 * 16 * 15**2) + 16 * 10
    assert count_macs(network) == macs


def test_counting_leaves_the_network_as_it_was():
    network = build_model(family="resnet", classes=3, blocks=[1], channels=[4]).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_macs(network)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_counts_follow_the_image_size():
    network = build_model(family="resnet", classes=10, blocks=[1, 1], channels=[8, 16])
    head = 160
    small, large = (count_macs(network, image_size=size) - head for size in (16, 32))
    assert large == 4 * small


def test_operations_of_the_anchor():
    # 50 epochs of the paper's network are 12 PFLOP.
    assert np.isclose(training_flops(798_700_000, 50 * 50_000), 12e15, rtol=0.01)


def test_network_over_its_budget_is_refused_in_one_line():
    with pytest.raises(RecipeError) as caught:
        build_model(classes=10, max_parameters=4_918_601, **PAPER)
    assert str(caught.value) == (
        "the network of model.blocks=[3, 5, 3, 0] and model.channels=[64, 128, 256, 512] has "
        "4,918,602 parameters, 1 over max_parameters 4,918,601; "
        "lower model.channels or model.blocks, or raise max_parameters"
    )
    assert count_parameters(build_model(classes=10, max_parameters=4_918_602, **PAPER)) == 4_918_602


def test_summary_holds_table_totals_and_comparison():
    summary = summarise("paper", budget=5_000_000, **PAPER).to_json()
    assert (summary["parameters"], summary["max_parameters"]) == (4_918_602, 5_000_000)
    assert sum(layer["parameters"] for layer in summary["layers"]) == summary["parameters"]
    assert sum(layer["macs"] for layer in summary["layers"]) == summary["macs"]
    assert summary["resnet18"]["parameters"] == 11_173_962
    assert summary["resnet18"]["macs"] == formula([2, 2, 2, 2], [64, 128, 256, 512])[1]
    with pytest.raises(RecipeError, match="max_parameters 1,000"):
        summarise("paper", budget=1000, **PAPER)


@pytest.mark.parametrize(
    "architecture",
    [
        {"family": "resnet", "squeeze_excitation": 4, "stochastic_depth": 0.2},
        {"family": "resnet", "activation": "silu"},
        {"family": "speednet"},
        {"family": "speednet", "stem_kernel": 3, "residual": False, "activation": "relu"},
    ],
    ids=str,
)
def test_shapes_without_numbers_are_those_of_a_real_pass(architecture: dict[str, Any]):
    options = {"blocks": [1, 2], "channels": [8, 16], "classes": 10, **architecture}
    assert layer_table(outline_model(**options)) == layer_table(build_model(**options))
