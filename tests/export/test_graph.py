"""The graph that is exported says what the classifier says, in plain torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibrated_models import SHIFTS
from thriftnet.export.graph import ExportedNetwork
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.views import VIEWS
from tiny_network import ARCHITECTURES, colours, noise, tiny_model


@pytest.mark.parametrize("family", ARCHITECTURES)
@pytest.mark.parametrize("tta", VIEWS)
def test_it_is_the_classifier(family: str, tta: str):
    model = tiny_model(family, tta=tta, temperature=0.6, shifts=SHIFTS)
    images = np.concatenate([colours(5, start=100)[0], noise(20)])
    graph = ExportedNetwork(model.network, model.preprocessing)
    expected = Classifier(model, device="cpu", precision="fp32").probabilities(images)
    for count in (1, 7, len(images)):
        found = graph(torch.from_numpy(images[:count])).numpy()
        np.testing.assert_allclose(found, expected[:count], atol=2e-6)
    assert expected.max() > 0.9  # of a network that says something


def test_the_views_are_told_from_none():
    """Else the test above would not notice a graph that leaves them out."""
    model, images = tiny_model(), noise(20)
    one, six = (Classifier(model, tta=tta, precision="fp32") for tta in ("none", "flip_shift"))
    assert np.abs(one.probabilities(images) - six.probabilities(images)).max() > 1e-4


def test_the_network_that_it_is_made_of_stays_as_it_was():
    model = tiny_model()
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    graph = ExportedNetwork(model.network, model.preprocessing)
    assert not any(parameter.requires_grad for parameter in graph.parameters())
    assert any(parameter.requires_grad for parameter in model.network.parameters())
    assert all(
        torch.equal(model.network.state_dict()[name], value) for name, value in before.items()
    )
