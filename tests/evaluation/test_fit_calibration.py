"""Maps that are fitted: they find what was hidden, and held-out likelihood chooses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from calibrated_models import honest_logits
from thriftnet.errors import DataError, RunError
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.evaluation.fit_calibration import fit_shifts, fit_temperature, fit_views
from thriftnet.inference.calibrated import calibrated


def smoothed(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits that no temperature puts right: the surest are held back, as label smoothing does."""
    return np.log(0.8 * softmax(logits, axis=1) + 0.2 / logits.shape[1])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_is_found(temperature: float):
    logits, labels = honest_logits(4000)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.06)


def test_a_temperature_is_enough_where_it_is_the_fault():
    logits, labels = honest_logits(4000, seed=5)
    found = fit_views(logits * 0.5, labels)
    assert found.temperature == pytest.approx(0.5, rel=0.06)
    assert found.after.nll < found.before.nll
    assert found.after.error < 2.5 * found.noise_floor < found.before.error


def test_a_map_is_chosen_where_a_temperature_leaves_much():
    logits, labels = honest_logits(6000, scale=4.0, seed=1)
    given = smoothed(logits)
    found = fit_views(given, labels)
    assert found.shifts
    test_logits, test_labels = honest_logits(6000, scale=4.0, seed=2)
    fresh = torch.from_numpy(smoothed(test_logits))
    alone = calibration_report((fresh / found.temperature).numpy(), test_labels)
    mapped = calibrated(fresh, found.temperature, found.shifts).numpy()
    after = calibration_report(mapped, test_labels)
    assert after.nll < alone.nll
    assert after.error < alone.error / 2
    assert after.accuracy == alone.accuracy


def test_shifts_never_turn_the_order_of_confidences_around():
    logits, labels = honest_logits(500, seed=8)
    for bins in (2, 5, 20):
        knots = fit_shifts(logits, labels, bins=bins)
        to = [at + shift for at, shift in knots]
        assert [at for at, _ in knots] == sorted({at for at, _ in knots})
        assert all(a <= b + 1e-9 for a, b in pairwise(to))


def test_figures_are_of_images_that_did_not_fit():
    """Few images: a map fitted and judged on the same ones would look far better."""
    logits, labels = honest_logits(150, seed=4)
    found = fit_views(logits, labels)
    assert found.after.nll > found.before.nll - 0.02
    assert sum(a.count for a in found.accepted) > 0
    assert found.accepted[-1].count == 150


@pytest.mark.parametrize("count", [100, 400])
def test_one_wrong_image_does_not_spoil_the_probabilities(count: int):
    """The fold that holds it out is fitted to images that are all right."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 4
    logits = rng.normal(0, 0.1, (count, 4))
    logits[np.arange(count), labels] += rng.uniform(1.5, 3.5, count)
    labels[0] = 1
    assert (logits.argmax(axis=1) != labels).sum() == 1
    found = fit_views(logits, labels)
    assert found.after.nll < found.before.nll / 2
    assert found.after.error < found.before.error / 4


@pytest.mark.parametrize(
    ("count", "change", "error", "part"),
    [
        (20, None, DataError, "20 held-out images are fewer than 100; give more with --data PATH"),
        (200, "one class", DataError, "all 200 held-out images are of one class"),
        (200, "right", DataError, "all 200 held-out images are classified correctly"),
        (200, "nan", RunError, "the network's outputs are not finite; train it again"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(
    count: int, change: str | None, error: type[Exception], part: str
):
    logits, labels = honest_logits(count)
    if change == "one class":
        labels[:] = 2
    if change == "right":
        labels = logits.argmax(axis=1)
    if change == "nan":
        logits[7, 1] = np.nan
    with pytest.raises(error, match=part):
        fit_views(logits, labels)
