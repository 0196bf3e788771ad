"""What the profile of a training step says is what the step does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from profile_layers import profiled, steps_of
from support.onednn_log import Implementation, executed, fallbacks, table
from support.step_kinds import KINDS, StepClock
from thriftnet.models.describe import count_macs, layer_table, training_flops
from thriftnet.recipe import load_recipe
from thriftnet.training.setup import recipe_network

LOG = """\
onednn_verbose,v1,info,oneDNN v3.12.0
onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv:avx512_core_bf16,forward_training,\
src:bf16::blocked:acdb::f0 wei:bf16:a:blocked:acdb::f0 dst:bf16::blocked:acdb::f0,,alg:d,mb2,3.5
onednn_verbose,v1,primitive,create:cache_miss,cpu,convolution,ref:any,forward_training,src:f32,,,mb2,9
onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv:avx512_core_bf16,forward_training,\
src:bf16::blocked:acdb::f0 wei:bf16:a:blocked:acdb::f0 dst:bf16::blocked:acdb::f0,,alg:d,mb2,1.5
something else that a script prints
onednn_verbose,v1,primitive,exec,cpu,reorder,ref:any,undef,src:f32 dst:bf16,,,4x4,0.25
onednn_verbose,v1,primitive,exec,cpu,convolution,ref:any,backward_weights,src:bf16,,,mb2,40
"""


def test_log_is_read_by_implementation():
    found = executed(LOG)
    fast = Implementation(
        "convolution",
        "brgconv:avx512_core_bf16",
        "forward_training",
        "src bf16, wei bf16, dst bf16",
    )
    assert found[fast] == (2, 5.0)
    assert [row["milliseconds"] for row in table(found)] == [40, 5, 0.25]


def test_only_a_convolution_by_reference_is_a_fault():
    assert [way.direction for way in fallbacks(executed(LOG))] == ["backward_weights"]


def test_each_operator_goes_to_its_kind_and_a_named_part_takes_all():
    clock = StepClock()
    images = torch.randn(2, 3, 8, 8, requires_grad=True)
    with clock:
        nn.functional.max_pool2d(nn.functional.gelu(images), 2).sum().backward()
    spent = {kind for kind, seconds in clock.seconds.items() if seconds > 0}
    assert spent == {"activation", "pooling", "other"}
    clock = StepClock()
    with clock:
        clock.enter("optimiser")
        images.detach().add_(1)
        clock.leave()
        images.detach().add_(1)
    assert {kind for kind, seconds in clock.seconds.items() if seconds > 0} >= {"optimiser", "sums"}


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Over which a step deals its micro-batches."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("micro_batch", [20, 10])
def test_operations_are_those_counted_without_a_profile(micro_batch: int):
    batches = ["train.batch_size=20", f"train.micro_batch={micro_batch}"]
    recipe = load_recipe("smoke", ["model.channels=[4,4,4]", *batches])
    network = recipe_network(recipe, classes=10)
    linear = sum(layer.macs for layer in layer_table(network) if layer.kind == "Linear")
    expected = training_flops(count_macs(network) - linear, 20)
    plan, _ = steps_of(recipe)
    found = profiled(recipe, steps=2)
    total = sum(row["gflop_per_step"] for row in found["convolutions"]) * 1e9
    # Counting by layers takes it that the first layer passes a gradient on; it does not.
    assert 0.8 * expected < total <= expected
    assert plan.batch_size == 20
    assert list(found["share"]) == list(KINDS)
    assert sum(found["share"].values()) == pytest.approx(1)
    for kind in ("convolution forward", "convolution backward", "augmentation", "optimiser"):
        assert found["share"][kind] > 0


def test_strides_paddings_and_gradients_count():
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1)
    images = torch.randn(5, 4, 9, 9, requires_grad=True)
    with StepClock() as clock:
        conv(images).sum().backward()
    forward = 2 * 5 * 5 * 5 * 6 * 4 * 9
    layer = "4→6, 3×3, 9×9 in"
    assert clock.flops == {(layer, "forward"): forward, (layer, "backward"): 2 * forward}
    assert all(seconds > 0 for seconds in clock.spent.values())
