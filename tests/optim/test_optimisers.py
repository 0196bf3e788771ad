"""Optimisers from plain settings: who is in which group, and single steps by hand."""

import io
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import nn

from thriftnet.models.build import build_model
from thriftnet.optim.build import OPTIMISERS, build_optimisers, set_learning_rate
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.recipe.sections import OptimSection

NETWORKS: dict[str, dict[str, Any]] = {
    "resnet": {"family": "resnet", "blocks": [1, 1], "channels": [4, 6], "squeeze_excitation": 2},
    "speednet": {"family": "speednet", "blocks": [2], "channels": [8]},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "adamw": {"name": "adamw", "lr": 0.01},
    "sgd": {"name": "sgd", "lr": 0.1, "nesterov": True},
    "muon": {"name": "muon", "lr": 0.2, "bias_lr": 0.01, "head_lr": 0.05},
    "muon, sgd": {"name": "muon", "lr": 0.2, "bias_lr": 0.01, "head_lr": 0.05, "aux": "sgd"},
}


def network(family: str) -> nn.Module:
    return build_model(classes=3, **NETWORKS[family])


@pytest.mark.parametrize("decay", ["all", "weights"])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("family", NETWORKS)
def test_each_trainable_parameter_is_in_exactly_one_group(family: str, name: str, decay: str):
    model = network(family)
    optimisers = build_optimisers(model, decay=decay, weight_decay=0.5, **SETTINGS[name])
    groups = [group for optimiser in optimisers for group in optimiser.param_groups]
    found = [id(p) for group in groups for p in group["params"]]
    assert sorted(found) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    assert all(group["params"] for group in groups)
    assert all(group["peak_lr"] == group["lr"] > 0 for group in groups)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("family", NETWORKS)
def test_decay_reaches_what_the_recipe_says(family: str, name: str):
    for decay in ("all", "weights"):
        model = network(family)
        optimisers = build_optimisers(model, decay=decay, weight_decay=0.5, **SETTINGS[name])
        share = {
            id(p): group.get("weight_decay", 0.0) * (group["lr"] if name == "muon, sgd" else 1)
            for optimiser in optimisers
            for group in optimiser.param_groups
            for p in group["params"]
        }
        for key, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            weight = parameter.ndim > 1  # a convolution's or a linear layer's
            expected = 0.5 if weight or decay == "all" else 0.0
            if name.startswith("muon") and parameter.ndim == 4:
                expected = 0.0  # held at a set norm instead
            assert share[id(parameter)] == pytest.approx(expected), key


def test_muon_gives_each_kind_its_own_rate():
    model = network("resnet")
    rates = {
        id(p): group["lr"]
        for optimiser in build_optimisers(model, **SETTINGS["muon"])
        for group in optimiser.param_groups
        for p in group["params"]
    }
    named = {key: rates[id(p)] for key, p in model.named_parameters()}
    assert named["stem.0.weight"] == named["stages.1.0.shortcut.0.weight"] == 0.2
    assert named["stem.1.weight"] == named["stem.1.bias"] == named["head.bias"] == 0.01
    assert named["head.weight"] == 0.05
    assert named["stages.0.0.gate.down.weight"] == named["stages.0.0.gate.up.weight"] == 0.05
    assert named["stages.0.0.gate.up.bias"] == 0.01


def test_learning_rate_is_a_share_of_each_groups_own_peak():
    optimisers = build_optimisers(network("speednet"), **SETTINGS["muon"])
    set_learning_rate(optimisers, 0.5)
    set_learning_rate(optimisers, 0.25)  # of the peak, not of the rate before
    rates = [group["lr"] for optimiser in optimisers for group in optimiser.param_groups]
    assert rates == pytest.approx([0.05, 0.0025, 0.0125])


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_builds_its_optimisers(name: str):
    recipe = load_recipe(name)
    optimisers = build_optimisers(network("resnet"), **recipe.optim.model_dump())
    assert optimisers[0].param_groups[0]["lr"] == recipe.optim.lr


class Two(nn.Module):
    """A weight and a bias whose gradients are set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.5, -1.0], [2.0, 0.25]]))
        self.bias = nn.Parameter(torch.tensor([1.0, -3.0]))


GRADIENTS = [
    (np.array([[0.1, -0.2], [0.3, 1e-9]]), np.array([4.0, -0.01])),
    (np.array([[-0.3, -0.1], [0.2, 0.5]]), np.array([0.0, 2.0])),
    (np.array([[1.0, 0.0], [-0.7, 0.1]]), np.array([-1.0, 1.0])),
]


def follow(settings: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    model = Two()
    (optimiser,) = build_optimisers(model, **settings)
    for weight, bias in GRADIENTS:
        model.weight.grad, model.bias.grad = (
            torch.tensor(weight).float(),
            torch.tensor(bias).float(),
        )
        optimiser.step()
    return [model.weight.detach().numpy(), model.bias.detach().numpy()]


@pytest.mark.parametrize("decay", ["all", "weights"])
def test_adamw_follows_the_formula(decay: str):
    # theta <- theta - lr * (m_hat / (sqrt(v_hat) + eps) + wd * theta), with g squared in v.
    lr, wd, b1, b2, eps = 0.01, 0.1, 0.9, 0.99, 1e-6
    expected: list[np.ndarray[Any, Any]] = []
    for index, theta in enumerate([np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.0, -3.0])]):
        share = wd if decay == "all" or index == 0 else 0.0
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        for t, gradients in enumerate(GRADIENTS, start=1):
            g = gradients[index]
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
            theta = theta - lr * (m_hat / (np.sqrt(v_hat) + eps) + share * theta)
        expected.append(theta)
    found = follow(
        {
            "name": "adamw",
            "lr": lr,
            "weight_decay": wd,
            "decay": decay,
            "betas": (b1, b2),
            "eps": eps,
        }
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6)


@pytest.mark.parametrize(("dampening", "nesterov"), [(0.0, False), (0.1, False), (0.0, True)])
@pytest.mark.parametrize("decay", ["all", "weights"])
def test_sgd_follows_the_formula(decay: str, dampening: float, nesterov: bool):
    # g <- g + wd * theta; b <- mu * b + (1 - dampening) * g, b of the first step being g.
    lr, wd, mu = 0.1, 0.01, 0.9
    expected: list[np.ndarray[Any, Any]] = []
    for index, theta in enumerate([np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.0, -3.0])]):
        share = wd if decay == "all" or index == 0 else 0.0
        buffer = None
        for gradients in GRADIENTS:
            g = gradients[index] + share * theta
            buffer = g if buffer is None else mu * buffer + (1 - dampening) * g
            theta = theta - lr * (g + mu * buffer if nesterov else buffer)
        expected.append(theta)
    found = follow(
        {
            "name": "sgd",
            "lr": lr,
            "weight_decay": wd,
            "decay": decay,
            "momentum": mu,
            "dampening": dampening,
            "nesterov": nesterov,
        }
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("mu", [0.0, 0.8])
def test_beside_muon_the_rest_moves_by_sgd_whose_l2_enters_the_momentum(mu: float):
    # g <- g + wd / lr * theta; u <- mu * u + g; theta <- theta - lr * (g + mu * u)
    wd, rates = 0.02, (0.05, 3.0)
    model = Two()
    settings = SETTINGS["muon, sgd"] | {"bias_lr": rates[0], "head_lr": rates[1]}
    model.filters = nn.Parameter(torch.ones(1, 1, 3, 3))  # without one Muon would be idle
    _, rest = build_optimisers(model, weight_decay=wd, aux_momentum=mu, **settings)
    expected = [np.array([1.0, -3.0]), np.array([[0.5, -1.0], [2.0, 0.25]])]
    buffers: list[Any] = [0.0, 0.0]
    for weight, bias in GRADIENTS:
        model.weight.grad = torch.tensor(weight).float()
        model.bias.grad = torch.tensor(bias).float()
        rest.step()
        for index, gradient in enumerate((bias, weight)):
            moved = rates[index] * gradient + wd * expected[index]
            buffers[index] = mu * buffers[index] + moved
            expected[index] = expected[index] - moved - mu * buffers[index]
    for found, value in zip((model.bias, model.weight), expected, strict=True):
        np.testing.assert_allclose(found.detach().numpy(), value, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("name", SETTINGS)
def test_saved_state_goes_on_bit_for_bit(family: str, name: str):
    def step(model: nn.Module, optimisers: list[torch.optim.Optimizer], seed: int) -> None:
        images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
        set_learning_rate(optimisers, 1 / (1 + seed))
        nn.functional.cross_entropy(model(images), torch.tensor([0, 1, 2, 0])).backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()

    model = network(family)
    optimisers = build_optimisers(model, weight_decay=0.1, **SETTINGS[name])
    step(model, optimisers, 0)
    step(model, optimisers, 1)
    file = io.BytesIO()
    torch.save([model.state_dict(), [each.state_dict() for each in optimisers]], file)
    file.seek(0)
    weights, states = torch.load(file, weights_only=True)
    resumed = network(family)
    resumed.load_state_dict(weights)
    again = build_optimisers(resumed, weight_decay=0.1, **SETTINGS[name])
    for optimiser, state in zip(again, states, strict=True):
        optimiser.load_state_dict(state)
    step(model, optimisers, 2)
    step(resumed, again, 2)
    for key, value in model.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


def test_recipes_name_every_optimiser_of_the_table():
    assert set(get_args(OptimSection.model_fields["name"].annotation)) == OPTIMISERS.keys()
