"""Folding leaves what a network says as it was."""

import pytest
import torch
from torch import nn

from thriftnet.models.build import build_model
from thriftnet.models.fold import folded

NETWORKS = {
    "resnet": {"family": "resnet", "blocks": [1, 2, 0], "channels": [8, 12, 16]},
    "gated": {"family": "resnet", "blocks": [2, 1], "channels": [8, 12], "squeeze_excitation": 4},
    "padded": {"family": "resnet", "blocks": [1, 1], "channels": [8, 12], "shortcut": "padded"},
    "speednet": {"family": "speednet", "blocks": [1, 2, 3], "channels": [24, 32, 32]},
    "plain speednet": {"family": "speednet", "blocks": [2], "channels": [24], "residual": False},
}


def trained(options: dict[str, object]) -> nn.Module:
    """A network whose norms have seen data, so that folding them is not trivial."""
    network = build_model(classes=10, seed=1, **options)
    generator = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            noise = torch.rand(parameter.shape, generator=generator)
            parameter.data += noise if parameter.requires_grad else 0
    network.train()
    for _ in range(3):
        network(torch.randn(16, 3, 32, 32, generator=generator) * 2 + 1)
    return network


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS.keys())
def test_logits_stay(options: dict[str, object]):
    network = trained(options)
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    fast = folded(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    with torch.no_grad():
        torch.testing.assert_close(fast(images), network.eval()(images), rtol=1e-4, atol=1e-4)


def test_the_original_is_left_alone():
    network = trained(NETWORKS["resnet"])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded(network)
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
