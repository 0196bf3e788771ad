"""The figures of a stage, on networks and features whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from torch import Tensor, nn

from thriftnet.models.build import build_model
from thriftnet.models.describe import count_macs, count_parameters, layer_table
from thriftnet.models.resnet import BasicBlock, ResNet
from thriftnet.models.stages import costs_of_stages, network_stages
from thriftnet.runtime.device import Compute
from thriftnet.search.stages.capacity import StageFigures, classify_stages
from thriftnet.search.stages.dynamics import slope
from thriftnet.search.stages.features import (
    RIDGE,
    StageFeatures,
    dead_channels,
    effective_rank,
    probe_accuracy,
    rank_half_width,
    stage_features,
)

FP32 = Compute(torch.device("cpu"), "fp32")


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make_network(blocks: tuple[int, ...] = (1, 1, 1)) -> ResNet:
    model = build_model(
        family="resnet", classes=10, blocks=blocks, channels=(8, 12, 16)[: len(blocks)]
    )
    assert isinstance(model, ResNet)
    return model.eval()


def read(model: nn.Module) -> dict[str, StageFeatures]:
    images = torch.randint(
        256, (300, 3, 16, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    third = (0.5, 0.5, 0.5)
    return stage_features(
        model, network_stages(model), images, mean=third, std=third, compute=FP32, batch_size=128
    )


def last_block(model: ResNet, stage: int) -> BasicBlock:
    block = list(model.stages[stage].children())[-1]
    assert isinstance(block, BasicBlock)
    return block


def silence(model: ResNet, stage: int, channels: int) -> None:
    """Zero the first channels of a stage's output: of its branch and of its shortcut."""
    block = last_block(model, stage)
    shortcut = list(block.shortcut.children())[-1]
    for norm in (block.norm2, shortcut):
        assert isinstance(norm, nn.BatchNorm2d)
        norm.weight.data[:channels] = 0
        norm.bias.data[:channels] = 0


def flatten_to_rank_one(model: ResNet, stage: int) -> None:
    """Every channel of a stage's output the same multiple of one map."""
    block = last_block(model, stage)
    nn.init.zeros_(block.norm2.get_parameter("weight"))
    convolution = next(iter(block.shortcut.children()))
    assert isinstance(convolution, nn.Conv2d)
    convolution.weight.data[:] = convolution.weight.data[:1].abs()
    convolution.weight.data *= torch.arange(1, len(convolution.weight) + 1)[:, None, None, None]


def test_zeroed_channels_are_found_dead():
    model = make_network()
    before = read(model)
    assert all(dead_channels(found.deviation) == 0 for found in before.values())
    silence(model, 1, 5)
    found = read(model)
    assert {name: dead_channels(each.deviation) for name, each in found.items()} == {
        "stem": 0,
        "stage 1": 0,
        "stage 2": 5,
        "stage 3": 0,
    }
    silence(model, 1, 12)
    assert dead_channels(read(model)["stage 2"].deviation) == 12


def test_a_channel_that_is_always_the_same_is_dead_too():
    model = make_network()
    silence(model, 1, 3)
    last_block(model, 1).norm2.get_parameter("bias").data[:3] = 7.0
    assert dead_channels(read(model)["stage 2"].deviation) == 3


def test_a_stage_of_rank_one_is_found_so():
    model = make_network()
    assert effective_rank(read(model)["stage 2"].pooled) > 3
    flatten_to_rank_one(model, 1)
    found = read(model)
    assert effective_rank(found["stage 2"].pooled) == pytest.approx(1, abs=1e-3)
    assert effective_rank(found["stage 1"].pooled) > 2


def test_pooled_features_are_those_of_the_forward_pass():
    model = make_network((2, 1))
    found = read(model)
    assert list(found) == ["stem", "stage 1", "stage 2"]
    logits = model.head(found["stage 2"].pooled.float())
    images = torch.randint(
        256, (300, 3, 16, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    with torch.no_grad():
        expected = model((images / 255 - 0.5) / 0.5)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


@given(count=st.integers(2, 40), width=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_effective_rank_is_the_entropy_of_the_singular_values(count: int, width: int, seed: int):
    features = draw(count, width, seed=seed) * torch.arange(1, width + 1) + 3
    centred = features.numpy() - features.numpy().mean(axis=0)
    # eigenvalues of the Gram matrix: another way than a singular value decomposition
    values = np.sqrt(np.linalg.eigvalsh(centred.T @ centred).clip(min=0))
    found = effective_rank(features)
    assert found == pytest.approx(float(np.exp(entropy(values))), rel=1e-4)
    assert found <= min(count - 1, width) + 1e-6
    assert effective_rank(5 * features - 2) == pytest.approx(found)


@pytest.mark.parametrize("directions", [1, 3, 8])
def test_equal_directions_are_counted(directions: int):
    basis, _ = torch.linalg.qr(draw(50, 9) - draw(50, 9).mean(dim=0))
    basis = torch.linalg.qr(basis - basis.mean(dim=0))[0]
    features = basis[:, :directions] @ torch.linalg.qr(draw(8, 8, seed=2))[0][:directions]
    assert effective_rank(features) == pytest.approx(directions)


def test_the_interval_of_a_rank_holds_others_and_narrows_with_the_images():
    scale = torch.arange(1, 9).double()
    few, many = draw(200, 8) * scale, draw(5000, 8, seed=1) * scale
    true = effective_rank(many)
    assert abs(effective_rank(few) - true) < rank_half_width(few) + rank_half_width(many)
    assert 0 < rank_half_width(many) < rank_half_width(few) / 2
    assert rank_half_width(torch.full((20, 4), 3.7, dtype=torch.float64)) == 0


def test_a_rank_near_the_limit_is_not_told():
    stages = [figures("one", 0.6, effective_rank=4.4, rank_half_width=0.3), figures("two", 0.7)]
    found = classify_stages(stages, base=0.1, classes=10, images=10**6)
    assert found[0].verdict == "inconclusive"
    assert found[0].reason == "effective rank 4.4 (95% 4.1 to 4.7), and 4.5 decides"


def test_constant_features_have_no_rank():
    assert effective_rank(torch.full((20, 4), 3.7, dtype=torch.float64)) == 0


def test_the_probe_is_ridge_regression():
    """Against least squares on rows added for the penalty, with the intercept in them."""
    x, z = draw(120, 7) * 3 + 1, draw(60, 7, seed=1) * 3 + 1
    rule = draw(7, 4, seed=2)
    labels, others = (x @ rule + draw(120, 4, seed=3)).argmax(1), (z @ rule).argmax(1)
    a, b = x.numpy(), z.numpy()
    centre, scale = a.mean(axis=0), a.std(axis=0)
    rows = np.column_stack([(a - centre) / scale, np.ones(120)])
    penalty = np.column_stack([np.sqrt(RIDGE * 120) * np.eye(7), np.zeros(7)])
    wanted = np.vstack([np.eye(4)[labels.numpy()], np.zeros((7, 4))])
    weights, *_ = np.linalg.lstsq(np.vstack([rows, penalty]), wanted, rcond=None)
    said = (np.column_stack([(b - centre) / scale, np.ones(60)]) @ weights).argmax(axis=1)
    expected = float((said == others.numpy()).mean())
    assert 0.5 < expected < 1
    assert probe_accuracy(x, labels, z, others, classes=4) == pytest.approx(expected)


def test_the_probe_stands_dead_channels_and_more_channels_than_images():
    x = torch.cat([draw(30, 80), torch.zeros(30, 3, dtype=torch.float64)], dim=1)
    labels = torch.arange(30) % 3
    assert probe_accuracy(x, labels, x, labels, classes=3) == 1


def test_costs_of_stages_add_up_to_the_network():
    model = make_network((1, 0, 2))
    layers = layer_table(model)
    parts = network_stages(model)
    assert list(parts) == ["stem", "stage 1", "stage 3"]
    costs = costs_of_stages(parts, model, {one.name: (one.parameters, one.macs) for one in layers})
    head = layers[-1]
    assert sum(c[0] for c in costs.values()) + head.parameters == count_parameters(model)
    assert sum(c[1] for c in costs.values()) + head.macs == count_macs(model)


def test_speednet_has_stages_too():
    model = build_model(family="speednet", classes=10, blocks=(2, 1), channels=(8, 12))
    assert list(read(model)) == ["stem", "stage 1", "stage 2"]


def test_slope_of_a_line_and_of_too_little():
    assert slope([3.0, 2.5, 2.0]) == pytest.approx(-0.5)
    assert slope([1.0, 4.0]) == pytest.approx(3)
    assert slope([1.0]) is None


def figures(name: str, probe: float, **changes: float) -> StageFigures:
    base = {"channels": 64, "parameters": 1000, "macs": 1000, "dead": 0, "effective_rank": 20.0}
    return StageFigures(name=name, probe_accuracy=probe, **{**base, **changes})


def test_verdicts_follow_the_stated_rules():
    found = classify_stages(
        [
            figures("much for little", 0.5),  # 0.25 of 0.40 for a quarter of the cost
            figures("its share", 0.6),
            figures("little", 0.64),
            figures("a little", 0.65),
        ],
        base=0.25,
        classes=10,
        images=10**6,
    )
    assert [one.verdict for one in found] == [
        "bottleneck",
        "balanced",
        "over-capacity",
        "over-capacity",
    ]
    assert found[0].reason == "62% (95% 62% to 63%) of the probe's gain for 25% of the cost"
    assert sum(one.gain_share for one in found) == pytest.approx(1)
    assert sum(one.cost_share for one in found) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dead": 16}, "16 of 64 channels are dead"),
        (
            {"effective_rank": 1.0, "rank_half_width": 0.5},
            "effective rank 1.0 (95% 0.5 to 1.5), below 4.5",
        ),
    ],
)
def test_dead_and_flat_stages_are_over_capacity_whatever_they_add(
    changes: dict[str, float], reason: str
):
    found = classify_stages(
        [figures("one", 0.6, **changes), figures("two", 0.7)], base=0.1, classes=10, images=10**6
    )
    assert (found[0].verdict, found[0].reason) == ("over-capacity", reason)


@given(
    probes=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    base=st.floats(0, 1),
    costs=st.lists(st.integers(1, 10**7), min_size=6, max_size=6),
)
def test_shares_add_up_whatever_was_measured(probes: list[float], base: float, costs: list[int]):
    stages = [figures(str(at), probe, parameters=costs[at]) for at, probe in enumerate(probes)]
    found = classify_stages(stages, base=base, classes=10, images=1_000_000)
    assert sum(one.cost_share for one in found) == pytest.approx(1)
    assert sum(one.gain_share for one in found) == pytest.approx(1)
    assert all(one.gain_share >= 0 for one in found)


def test_nothing_is_told_of_a_network_at_chance_level_nor_where_the_interval_is_wide():
    chance = [figures("one", 0.105, dead=60), figures("two", 0.118)]
    found = classify_stages(chance, base=0.1, classes=10, images=2000)
    assert {each.verdict for each in found} == {"inconclusive"}
    some = [figures("one", 0.32), figures("two", 0.41)]
    wide, narrow = (classify_stages(some, base=0.3, classes=10, images=n) for n in (500, 10**6))
    assert wide[0].verdict == "inconclusive"
    assert narrow[0].verdict == "over-capacity"
    assert wide[0].gain_half_width > 0.05 > 0.002 > narrow[0].gain_half_width
