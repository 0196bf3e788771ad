"""Figures of probabilities against plain NumPy and what theory says of honest networks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

from calibrated_models import honest_logits
from thriftnet.evaluation.calibration import (
    bootstrap_interval,
    brier_score,
    calibration_report,
    classwise_error,
    equal_mass_error,
    mean_nll,
    noise_floor,
    reliability,
)

LOGITS, LABELS = honest_logits(3000)
PROBABILITIES = softmax(LOGITS, axis=1)
CONFIDENCE, HIT = PROBABILITIES.max(axis=1), LOGITS.argmax(axis=1) == LABELS


def test_likelihood_and_brier_by_their_definitions():
    own = PROBABILITIES[np.arange(3000), LABELS]
    assert mean_nll(LOGITS, LABELS) == pytest.approx(-np.log(own).mean())
    truth = np.eye(4)[LABELS]
    expected = ((PROBABILITIES - truth) ** 2).sum(axis=1).mean()
    assert brier_score(PROBABILITIES, LABELS) == pytest.approx(expected)


@pytest.mark.parametrize("count", [3000, 1001, 16, 15, 7, 1])
def test_equal_mass_error_by_a_loop_over_bins(count: int):
    order = np.argsort(CONFIDENCE[:count], kind="stable")
    bins = min(15, count)
    edges = [at * count // bins for at in range(bins + 1)]
    expected = 0.0
    for start, end in pairwise(edges):
        part = order[start:end]
        expected += abs((HIT[part] - CONFIDENCE[part]).sum()) / count
    assert equal_mass_error(CONFIDENCE[:count], HIT[:count]) == pytest.approx(expected)
    assert equal_mass_error(CONFIDENCE[:0], HIT[:0]) == 0


def test_class_wise_error_is_the_mean_over_the_classes():
    errors = [equal_mass_error(PROBABILITIES[:, k], k == LABELS) for k in range(4)]
    assert classwise_error(PROBABILITIES, LABELS) == pytest.approx(np.mean(errors))


def test_an_honest_network_is_at_its_noise_floor():
    found = calibration_report(LOGITS, LABELS)
    assert found.error == pytest.approx(found.noise_floor, rel=0.6)
    assert found.interval[0] <= found.noise_floor
    assert 0.005 < found.noise_floor < 0.03
    assert found.mean_confidence == pytest.approx(found.accuracy, abs=0.02)


def test_the_floor_is_what_honest_networks_show_on_average():
    errors: list[float] = []
    for seed in range(40):
        logits, labels = honest_logits(1000, seed=seed)
        report = softmax(logits, axis=1).max(axis=1), logits.argmax(axis=1) == labels
        errors.append(equal_mass_error(*report))
    floor = noise_floor(softmax(honest_logits(1000, seed=99)[0], axis=1).max(axis=1))
    assert floor == pytest.approx(np.mean(errors), rel=0.1)


def test_a_modest_network_is_far_above_its_floor_and_the_interval_holds_the_true_error():
    """Halved logits: the true error is the mean distance of true and stated confidence."""
    logits, labels = honest_logits(5000, seed=3)
    found = calibration_report(logits / 2, labels)
    true = softmax(logits, axis=1).max(axis=1) - softmax(logits / 2, axis=1).max(axis=1)
    assert found.error > 5 * found.noise_floor
    assert found.interval[0] <= true.mean() <= found.interval[1]


def test_the_interval_holds_the_true_error_as_often_as_it_says():
    held = 0
    for seed in range(30):
        logits, labels = honest_logits(600, seed=seed)
        confidence = softmax(logits / 1.5, axis=1).max(axis=1)
        true = np.abs(softmax(logits, axis=1).max(axis=1) - confidence).mean()
        low, high = bootstrap_interval(confidence, logits.argmax(axis=1) == labels)
        held += low <= true <= high
    assert held >= 25


def test_reliability_bins_hold_equal_numbers():
    bins = reliability(CONFIDENCE, HIT)
    assert [count for _, _, count in bins] == [200] * 15
    assert [mean for mean, _, _ in bins] == sorted(mean for mean, _, _ in bins)
    gaps = sum(abs(mean - share) * count for mean, share, count in bins) / 3000
    assert gaps == pytest.approx(equal_mass_error(CONFIDENCE, HIT))
