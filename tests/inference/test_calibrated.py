"""Calibrated logits: the equation, the class that wins, and every surface that applies them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from torch import Tensor

from calibrated_models import CLASSES, SHIFTS, calibration, model, pictures
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.export.graph import ExportedNetwork
from thriftnet.inference.calibrated import calibrated, interpolated
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.engine import Engine
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels

COMPUTE = choose_compute(device="cpu", precision="fp32")


def test_knots_are_joined_by_lines_and_constant_beyond():
    at = torch.tensor([-9.0, -1.0, -0.25, 0.5, 1.25, 2.0, 50.0])
    expected = np.interp(at.numpy(), *np.array(SHIFTS).T)
    torch.testing.assert_close(interpolated(at, SHIFTS), torch.from_numpy(expected).float())


def test_the_top_logit_moves_by_its_log_odds():
    logits = 3 * torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    found = calibrated(logits, 0.8, SHIFTS)
    scaled = logits / 0.8
    top = scaled.softmax(1).max(1)
    odds = torch.log(top.values / (1 - top.values)).numpy()
    moved = torch.from_numpy(np.interp(odds, *np.array(SHIFTS).T)).float()
    second = scaled.topk(2).values
    moved = torch.maximum(moved, -(second[:, 0] - second[:, 1]) / 2)
    expected = scaled.clone()
    expected[torch.arange(200), top.indices] += moved
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=100)
@given(
    arrays.arrays(np.float32, (3, 4), elements=st.floats(-60, 60, width=32)),
    st.floats(0.02, 50),
    st.floats(-40, 40),
)
def test_the_same_class_always_wins(values: NDArray[np.float32], temperature: float, shift: float):
    logits = torch.from_numpy(values)
    found = calibrated(logits, temperature, ((-1.0, shift), (1.0, shift)))
    assert torch.equal(found.argmax(1), (logits / temperature).argmax(1))
    assert found.isfinite().all()


def test_a_last_bit_between_two_classes_decides_still():
    low = torch.tensor(5.0)
    high = torch.nextafter(low, torch.tensor(9.0))
    logits = torch.stack([low, high, torch.tensor(0.0)])[None]
    assert calibrated(logits, 1.0, ((0.0, -3.0),)).argmax() == 1


def test_what_is_not_finite_stays_so():
    logits = torch.tensor([[1.0, float("nan"), 0.0], [3.0, 2.0, 1.0]])
    found = calibrated(logits, 0.5, SHIFTS)
    assert found[0].isnan().any()
    assert found[1].isfinite().all()


@pytest.mark.parametrize("tta", ["none", "flip", "flip_shift"])
def test_every_surface_applies_the_map_of_its_views(tta: str):
    saved = model()
    images = pictures(6).images
    raw = Engine.of(saved, COMPUTE).logits(as_pixels(images, 32), tta)
    mapped = replace(saved, calibration=calibration())
    how = calibration().views[tta]
    expected = calibrated(raw, how.temperature, how.shifts).softmax(1).numpy()
    assert np.abs(expected - raw.softmax(1).numpy()).max() > 0.01
    found = Classifier(mapped, tta=tta, device="cpu", precision="fp32")
    np.testing.assert_allclose(found.probabilities(images), expected, atol=1e-6)
    exported = ExportedNetwork(mapped.network, mapped.preprocessing_with(tta))
    said: Tensor = exported(torch.from_numpy(images.copy()))
    np.testing.assert_allclose(said.numpy(), expected, atol=1e-5)


def test_an_evaluation_has_the_same_accuracy_and_other_probabilities():
    saved, data = model(), pictures(40)
    plain = evaluate_on(saved, data, compute=COMPUTE, tta="none")
    mapped = replace(saved, calibration=calibration())
    found = evaluate_on(mapped, data, compute=COMPUTE, tta="none")
    assert found.chosen.confusion == plain.chosen.confusion
    assert found.chosen.loss != pytest.approx(plain.chosen.loss)


def test_the_contract_has_the_map_of_its_own_views():
    mapped = replace(model(), calibration=calibration())
    assert mapped.preprocessing.tta == "flip"
    assert mapped.preprocessing.temperature == 0.7
    alone = mapped.preprocessing_with("none")
    assert (alone.temperature, alone.shifts, alone.classes) == (0.5, SHIFTS, CLASSES)
