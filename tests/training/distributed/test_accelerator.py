"""A step on an accelerator: as counted on a device without data, and by the numbers of a CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from small import opened, small_recipe
from support.accelerator import step_cost
from thriftnet.augment import Augment
from thriftnet.recipe import load_recipe
from thriftnet.runtime.device import Compute
from thriftnet.training import setup
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network

_SMALL = (
    "model.blocks=[1, 1, 1]",
    "model.channels=[24, 32, 32]",
    "train.batch_size=64",
    "train.micro_batch=16",
)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("augment.policy=trivialaugment", "augment.cutout=8"),
        ("augment.policy=autoaugment", "augment.rotation=10", "augment.quarter_turns=true"),
        ("augment.brightness=0.3", "augment.contrast=0.3", "augment.saturation=0.2"),
        ("augment.flip=random", "augment.cutmix=1", "augment.mixup=0.2"),
        ("augment.noise=0.5", "augment.jpeg=0.5", "augment.augmix=0.5", "augment.prime=0.5"),
        ("augment.augmix=0.5", "train.consistency=6"),
        ("train.sizes=[]", "train.stem_epochs=0", "model.residual=false"),
    ],
)
def test_a_step_waits_for_an_accelerator_once(changes: tuple[str, ...]) -> None:
    """Where the losses are read, with everything else launched."""
    cost = step_cost(load_recipe("quick", [*_SMALL, *changes]))
    assert cost.waits == ["losses"]
    assert min(cost.launches[part] for part in ("augmentation", "passes", "update")) > 10


@pytest.mark.parametrize("mixing", [{}, {"cutmix": 1.0}])
def test_images_augmented_at_once_give_the_step_of_micro_batches(
    monkeypatch: pytest.MonkeyPatch, mixing: dict[str, float]
) -> None:
    augment = {"policy": "trivialaugment", **mixing}
    recipe = small_recipe(augment=augment, train={"micro_batch": 6})
    found: list[tuple[list[Tensor], Tensor, float]] = []
    monkeypatch.setattr(setup, "fits_at_once", lambda *_, **__: False)
    for prefers_small in (True, False):
        monkeypatch.setattr(Compute, "prefers_small", prefers_small)
        network = recipe_network(recipe, classes=10)
        plan = make_plan(recipe, opened(), network)
        state = make_state(recipe, plan, network)
        for first in (0, 16):
            train_step(plan, state, torch.arange(first, first + 16), epoch=0)
        found.append((list(network.parameters()), state.losses, state.totals.loss))
    (weights, losses, total), (others, other_losses, other_total) = found
    assert all(map(torch.equal, weights, others))
    assert torch.equal(losses, other_losses)
    assert total == other_total


@pytest.mark.parametrize("changes", [{}, {"cutmix": 1.0}])
@pytest.mark.parametrize("family", ["resnet", "speednet"])
def test_a_batch_in_one_pass_gives_the_step_of_its_micro_batches(
    monkeypatch: pytest.MonkeyPatch, family: str, changes: dict[str, float]
) -> None:
    """In fp64, as only sums are rounded differently; 16 images are micro-batches of 6, 6 and 4.

    The norms' running statistics are compared, too.
    """
    depth = {"stochastic_depth": 0.3} if family == "resnet" else {}
    recipe = small_recipe(
        augment={"policy": "trivialaugment", **changes},
        model={"family": family, **depth},
        optim={"name": "sgd", "lr": 0.05},  # in proportion to the gradient, unlike Adam's
        train={"micro_batch": 6, "precision": "fp32"},
    )
    apply = Augment.apply
    monkeypatch.setattr(Augment, "apply", lambda *args, **more: apply(*args, **more).double())
    found: list[tuple[list[Tensor], Tensor, float]] = []
    for at_once in (False, True):
        monkeypatch.setattr(Compute, "prefers_small", not at_once)
        network = recipe_network(recipe, classes=10)
        plan = make_plan(recipe, opened(), network)
        assert plan.at_once == at_once
        state = make_state(recipe, plan, network.double())
        for first in (0, 16):
            train_step(plan, state, torch.arange(first, first + 16), epoch=0)
        found.append((list(network.state_dict().values()), state.losses[:32], state.totals.loss))
    (values, losses, total), (others, other_losses, other_total) = found
    for value, other in zip(values, others, strict=True):
        torch.testing.assert_close(value, other, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(losses, other_losses, rtol=1e-6, atol=1e-6)
    assert total == pytest.approx(other_total, rel=1e-9)
