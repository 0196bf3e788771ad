"""Micro-batches of a step, in any number of threads: the bits of one."""

from __future__ import annotations

import operator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from small import opened, small_recipe
from thriftnet.recipe import Recipe
from thriftnet.search.threads import computing_with
from thriftnet.training.distributed.replicas import Replicas, RunningStatistics
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network
from thriftnet.training.state import TrainingState

MUON = {"name": "muon", "lr": 0.1, "bias_lr": 0.1, "head_lr": 0.1}
RECIPES = {
    "resnet, fp32, stochastic depth": small_recipe(train={"micro_batch": 4}),
    "resnet, bf16": small_recipe(train={"micro_batch": 4, "precision": "bf16"}),
    "speednet, bf16, muon": small_recipe(
        model={"family": "speednet", "blocks": [2, 2], "channels": [8, 16]},
        optim=MUON,
        train={"micro_batch": 4, "precision": "bf16", "stem_epochs": 1},
    ),
    "two views, stochastic depth": small_recipe(
        augment={"noise": 0.5, "augmix": 0.5},
        train={"micro_batch": 4, "consistency": 1.0},
    ),
    "mixed images": small_recipe(augment={"mixup": 0.2, "cutmix": 1.0}, train={"micro_batch": 4}),
}


def trained(recipe: Recipe, *, count: int, steps: int = 3) -> TrainingState:
    with computing_with(count):
        network = recipe_network(recipe, classes=10)
        plan = make_plan(recipe, opened(), network)
        state = make_state(recipe, plan, network)
        for step in range(steps):
            train_step(plan, state, torch.arange(16) + 16 * step % 32, epoch=step)
    return state


def everything(state: TrainingState) -> list[Tensor]:
    optimisers = [optimiser.state_dict()["state"] for optimiser in state.optimisers]
    moments = [
        value
        for each in optimisers
        for number in sorted(each)
        for value in each[number].values()
        if isinstance(value, Tensor)
    ]
    return [*state.model.state_dict().values(), *moments, state.losses]


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_has_the_same_bits_in_any_number_of_threads(name: str) -> None:
    one, *others = [everything(trained(RECIPES[name], count=count)) for count in (1, 2, 4, 2)]
    for other in others:
        assert all(map(torch.equal, one, other))


def test_a_step_is_that_of_micro_batches_in_turn() -> None:
    # Against PyTorch's own: gradients that `backward` adds up, statistics that batch norm moves.
    recipe = small_recipe(
        augment={"brightness": 0.0, "cutout": 0, "crop_padding": 0, "flip": "none"},
        model={"stochastic_depth": 0.0},
        optim={"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
        schedule={"name": "constant", "warmup_epochs": 0},
        train={"micro_batch": 4, "ema_decay": 0},
    )
    network = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), network)
    state = make_state(recipe, plan, network)
    expected = recipe_network(recipe, classes=10).train()
    expected.load_state_dict(network.state_dict())
    batch = torch.arange(16)
    for at in batch.split(4):
        visits = torch.zeros(len(at), dtype=torch.int64)
        drawn = plan.augment.draw(len(at), **plan.pixels, generator=torch.Generator())
        images = plan.augment.apply(plan.images[at], drawn, indices=at, visits=visits)
        (F.cross_entropy(expected(images), plan.labels[at], reduction="sum") / 16).backward()
    with computing_with(2):
        train_step(plan, state, batch, epoch=0)
    for wanted, found in zip(expected.parameters(), network.parameters(), strict=True):
        assert wanted.grad is not None
        torch.testing.assert_close(found, wanted - 0.1 * wanted.grad, rtol=1e-5, atol=1e-6)
    for wanted, found in zip(expected.buffers(), network.buffers(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_failure_in_a_thread_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RECIPES["resnet, bf16"]
    network = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), network)
    state = make_state(recipe, plan, network)
    before = [value.clone() for value in network.state_dict().values()]

    def fail(*_: Any, **__: Any) -> Tensor:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as changed, computing_with(2):
        changed.setattr(type(plan.augment), "apply", fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            train_step(plan, state, torch.arange(16), epoch=0)
        assert torch.get_num_threads() == 2
    assert all(map(torch.equal, before, network.state_dict().values()))
    assert all(
        norm.momentum == 0.1 for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)
    )
    with computing_with(2):
        train_step(plan, state, torch.arange(16), epoch=0)  # and it can go on
    assert state.step == 1


def test_replicas_share_parameters_and_are_used_again() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    replicas = Replicas(model)
    parameters, buffers = list(model.parameters()), list(model.buffers())
    with replicas.borrow() as one, replicas.borrow() as other:
        assert one is not other
        for replica in (one, other):
            assert all(map(operator.is_, replica.parameters(), parameters))
            assert not any(map(operator.is_, replica.buffers(), buffers))
    with replicas.borrow() as again:
        assert again in (one, other)


def test_statistics_are_taken_in_by_their_number() -> None:
    norm, own = nn.BatchNorm2d(2, momentum=0.5), nn.BatchNorm2d(2)
    statistics = RunningStatistics(norm, 2)
    statistics.load_into(own)
    for number, mean in ((1, 8.0), (0, 4.0)):  # the second is done first
        own.get_buffer("running_mean").fill_(mean)
        statistics.record(number, own)
    statistics.apply()
    assert norm.get_buffer("running_mean").tolist() == [0.5 * (0.5 * 0 + 0.5 * 4) + 0.5 * 8] * 2
    assert norm.num_batches_tracked == 2
