"""Scores of pictures that are of no class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from calibrated_models import model, pictures
from support.outliers import (
    SCORES,
    energy,
    max_probability,
    separate,
    threshold_of,
)
from thriftnet.evaluation.features.extract import features_of
from thriftnet.inference.engine import Engine
from thriftnet.runtime.device import Compute, choose_compute


def test_scores_by_their_equations():
    logits = np.array([[2.0, 1.0, 0.0], [100.0, -100.0, 0.0]], np.float32)
    expected = np.log(np.exp(2) + np.exp(1) + 1)
    np.testing.assert_allclose(energy(logits), [expected, 100.0])
    np.testing.assert_allclose(max_probability(logits), [np.exp(2 - expected), 1.0])
    assert list(SCORES) == ["energy", "max_probability"]


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    own, others = rng.normal(1, 1, 80).round(1), rng.normal(0, 1, 50).round(1)
    pairs = own[:, None] - others
    expected = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
    found = separate(own, others, threshold=0.0)
    assert found.auroc == pytest.approx(expected)
    assert found.false_alarms == (own < 0).mean()
    assert found.noticed == (others < 0).mean()


def test_five_in_a_hundred_of_the_own_images_fall_below_the_threshold():
    own = np.arange(1000.0)
    assert (own < threshold_of(own)).mean() == 0.05


def test_features_are_what_the_last_layer_is_given():
    saved, data = model(), pictures(60)
    found = features_of(saved, data.images, choose_compute(device="cpu", precision="fp32"))
    head = [each for each in saved.network.modules() if isinstance(each, nn.Linear)][-1]
    assert found.shape == (60, head.in_features)


def test_features_are_computed_where_the_images_are(monkeypatch: pytest.MonkeyPatch):
    """On an accelerator, the network of a model file would still be on the CPU."""
    saved, seen = model(), list[str]()
    meta = Compute(torch.device("meta"), "fp32")

    def logits(self: Engine, images: torch.Tensor, _tta: str = "none") -> torch.Tensor:
        seen.extend({each.device.type for each in self.network.parameters()})
        return torch.zeros(len(images), 1)

    monkeypatch.setattr(Engine, "logits", logits)
    features_of(saved, pictures(2).images, meta)
    assert seen == ["meta"]
    assert {each.device.type for each in saved.network.parameters()} == {"cpu"}
