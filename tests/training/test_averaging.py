"""The moving average of the weights against its closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from thriftnet.training.averaging import Average


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


@pytest.mark.parametrize("decay", [0.999, 0.5, 0.15])
def test_average_equals_the_closed_form(decay: float):
    model = network()
    model[1].weight.requires_grad_(False)
    average = Average(model, decay=decay)
    rng = np.random.default_rng(0)
    history = {name: [p.detach().numpy().copy()] for name, p in model.named_parameters()}
    for step in range(30):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(rng.normal(size=parameter.shape)))
                history[name].append(parameter.numpy().copy())
        average.update(model, step=step)
    # The share of the weights after step t is (1 - d_t) times every later decay, where
    # d_t = min(decay, (1 + t) / (10 + t)): about nine tenths of the first step are taken in.
    decays = [min(decay, (1 + t) / (10 + t)) for t in range(30)]
    shares = [np.prod(decays)]
    shares += [(1 - decays[t]) * np.prod(decays[t + 1 :]) for t in range(30)]
    assert sum(shares) == pytest.approx(1)
    for name, parameter in average.model.named_parameters():
        expected = sum(
            s * value.astype(float) for s, value in zip(shares, history[name], strict=True)
        )
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_initial_weights_are_soon_forgotten():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1000.0)
    average = Average(model, decay=0.999)
    nn.init.zeros_(model.weight)
    average.update(model, step=0)
    assert average.model.weight.item() == pytest.approx(100.0)
    for step in range(1, 9):
        average.update(model, step=step)
    assert average.model.weight.item() < 0.1


def test_statistics_are_copied_not_averaged():
    model = network()
    average = Average(model, decay=0.9)
    model.train()(torch.randn(8, 3, 3, 3))
    model(torch.randn(8, 3, 3, 3))
    average.update(model, step=100)
    assert torch.equal(average.model[1].running_mean, model[1].running_mean)
    assert torch.equal(average.model[1].running_var, model[1].running_var)
    assert average.model[1].num_batches_tracked.item() == 2


def test_average_is_a_network_of_its_own_ready_to_read():
    model = network().train()
    average = Average(model, decay=0.9)
    assert not average.model.training
    assert model.training
    before = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():
        average.model[3].weight.add_(1)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    average.update(model, step=0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None and p.is_leaf for p in average.model.parameters())


def test_average_of_weights_that_do_not_move_is_exact():
    model = network()
    average = Average(model, decay=0.99)
    for step in range(20):
        average.update(model, step=step)
    for a, b in zip(average.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)
