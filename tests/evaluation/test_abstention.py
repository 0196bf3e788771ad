"""When to say nothing: curves by their definition, thresholds by an exact bound."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from thriftnet.errors import RunError
from thriftnet.evaluation.abstention import (
    accepted_predictions,
    coverage_at,
    risk_area,
    risk_coverage,
)
from thriftnet.inference.thresholds import choose_threshold, clopper_pearson_low
from thriftnet.models.calibration import Accepted

CONFIDENCE = np.array([0.9, 0.5, 0.8, 0.7, 0.6])
HIT = np.array([True, False, True, False, True])


def test_the_curve_keeps_the_most_confident_first():
    coverage, risk = risk_coverage(CONFIDENCE, HIT)
    np.testing.assert_allclose(coverage, [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(risk, [0, 0, 1 / 3, 1 / 4, 2 / 5])
    assert risk_area(CONFIDENCE, HIT) == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert coverage_at(CONFIDENCE, HIT, accuracy=0.99) == 0.4
    assert coverage_at(CONFIDENCE, HIT, accuracy=0.6) == 1.0
    assert coverage_at(CONFIDENCE, ~np.ones(5, bool), accuracy=0.5) == 0.0


@pytest.mark.parametrize(("right", "count"), [(10, 10), (9, 10), (299, 299), (950, 1000)])
def test_the_bound_is_where_so_many_right_ones_become_improbable(right: int, count: int):
    low = clopper_pearson_low(right, count, level=0.95)
    assert binom.sf(right - 1, count, low) == pytest.approx(0.05, rel=1e-6)
    assert clopper_pearson_low(0, count, level=0.95) == 0


def test_accepted_predictions_count_ties_together():
    confidence = np.repeat([0.9, 0.7], [30, 70])
    found = accepted_predictions(confidence, np.repeat([True, False], [60, 40]))
    assert found == (
        Accepted(threshold=0.9, count=30, right=30),
        Accepted(threshold=0.7, count=100, right=60),
    )


def test_the_lowest_threshold_that_keeps_the_precision_is_chosen():
    accepted = [
        Accepted(threshold=0.99, count=500, right=500),
        Accepted(threshold=0.9, count=2000, right=1995),
        Accepted(threshold=0.5, count=4000, right=3900),
    ]
    assert choose_threshold(accepted, precision=0.99).threshold == 0.9
    assert choose_threshold(accepted, precision=0.96).threshold == 0.5


def test_it_is_refused_where_nothing_can_be_shown_and_the_remedy_works():
    accepted = [Accepted(threshold=0.9, count=60, right=60)]
    with pytest.raises(RunError, match="a precision of 99.00% .* 60 held-out images") as told:
        choose_threshold(accepted, precision=0.99)
    asked = float(str(told.value).split("--at-least ")[1].split(",")[0])
    assert choose_threshold(accepted, precision=asked).count == 60
    assert str(told.value).endswith("or calibrate on about 310 images")
    more = [Accepted(threshold=0.9, count=310, right=310)]
    assert choose_threshold(more, precision=0.99).count == 310
    with pytest.raises(RunError, match="run thriftnet calibrate"):
        choose_threshold((), precision=0.9)


def test_more_images_are_no_remedy_for_a_network_that_errs_too_often():
    accepted = [Accepted(threshold=0.4, count=100, right=70)]
    with pytest.raises(RunError, match="at-least 0.61., or train a more accurate network$"):
        choose_threshold(accepted, precision=0.9)
    with pytest.raises(RunError, match=r"at most 0.00%; train a more accurate network$"):
        choose_threshold([Accepted(threshold=0.4, count=100, right=0)], precision=0.9)


def test_the_promise_holds_over_many_networks():
    """Of 60 networks, the chosen threshold misses the precision in hardly any."""
    rng = np.random.default_rng(0)
    missed = chosen = 0
    for _ in range(60):
        confidence = rng.beta(6, 1, 1000)
        hit = rng.random(1000) < confidence
        try:
            found = choose_threshold(accepted_predictions(confidence, hit), precision=0.9)
        except RunError:
            continue
        chosen += 1
        fresh = rng.beta(6, 1, 20_000)
        missed += fresh[fresh >= found.threshold].mean() < 0.9
    assert chosen > 30
    assert missed <= 3
