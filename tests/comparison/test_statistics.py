"""Intervals, tests and seeds needed, against other ways of finding the same numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from thriftnet.comparison.statistics import (
    SeedTest,
    compare_seeds,
    estimate,
    holm,
    image_half_width,
    mcnemar,
    seeds_needed,
    t_power,
)

FIRST = {0: 0.9347, 1: 0.9351, 2: 0.9329, 3: 0.9362, 4: 0.9340}
OTHER = {0: 0.9381, 1: 0.9378, 2: 0.9365, 3: 0.9391, 4: 0.9352}


def test_estimate_is_the_t_interval():
    values = list(FIRST.values())
    found = estimate(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert found.half_width is not None
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(
        (low, high), rel=1e-12
    )
    assert found.deviation == pytest.approx(np.std(values, ddof=1))


def test_one_seed_has_no_interval():
    assert vars(estimate([0.5])) == {"mean": 0.5, "deviation": None, "half_width": None}


def check(found: SeedTest, reference: Any) -> None:
    low, high = reference.confidence_interval(0.95)
    assert found.half_width is not None
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    assert found.difference - found.half_width == pytest.approx(low, rel=1e-9)
    assert found.difference + found.half_width == pytest.approx(high, rel=1e-9)


def test_same_seeds_are_paired_whatever_their_order():
    shuffled = {seed: OTHER[seed] for seed in (3, 0, 4, 2, 1)}
    found = compare_seeds(FIRST, shuffled)
    assert found.name == "paired t test"
    check(found, stats.ttest_rel(list(OTHER.values()), list(FIRST.values())))


@pytest.mark.parametrize("seeds", [(5, 6, 7, 8, 9), (0, 1, 7), (3, 4)])
def test_other_seeds_are_compared_by_welch(seeds: tuple[int, ...]):
    other = dict(zip(seeds, [0.951, 0.932, 0.947, 0.949, 0.933], strict=False))
    found = compare_seeds(FIRST, other)
    assert found.name == "Welch's t test"
    check(found, stats.ttest_ind(list(other.values()), list(FIRST.values()), equal_var=False))


@pytest.mark.parametrize("turned", [False, True])
def test_single_seed_against_many_is_a_new_observation(turned: bool):
    values = np.array(list(FIRST.values()))
    pair = ({9: 0.9402}, FIRST) if turned else (FIRST, {9: 0.9402})
    found = compare_seeds(*pair)
    # the prediction interval of one more value: mean ± t s sqrt(1 + 1/n)
    error = values.std(ddof=1) * math.sqrt(1 + 1 / len(values))
    ratio = (0.9402 - values.mean()) / error
    assert found.p == pytest.approx(2 * stats.t.sf(abs(ratio), 4))
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert found.difference == pytest.approx((0.9402 - values.mean()) * (-1 if turned else 1))


def test_t_test_agrees_with_all_permutations_of_signs():
    rng = np.random.default_rng(5)
    first = dict(enumerate(rng.normal(0.93, 0.002, 12)))
    other = {seed: value + rng.normal(0.0015, 0.002) for seed, value in first.items()}
    differences = np.array([other[seed] - first[seed] for seed in first])
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    extreme = np.abs((signs * differences).mean(axis=1)) >= abs(differences.mean()) - 1e-15
    found = compare_seeds(first, other)
    assert 0.01 < extreme.mean() < 0.5
    assert found.p == pytest.approx(extreme.mean(), abs=0.01)


def test_single_seeds_tell_nothing():
    found = compare_seeds({0: 0.5}, {0: 0.6})
    assert (found.name, found.p, found.half_width) == ("none", None, None)
    assert found.difference == pytest.approx(0.1)
    assert seeds_needed(found) is None


@pytest.mark.parametrize("seeds", [(0, 1, 2), (3, 4, 5)])
def test_equal_seeds_show_no_scatter_and_so_no_p_of_zero(seeds: tuple[int, ...]):
    # 0.95 - 0.94 and 0.93 - 0.92 differ by rounding alone
    first = {0: 0.92, 1: 0.94, 2: 0.36} if seeds == (0, 1, 2) else dict.fromkeys(range(3), 0.9)
    other = dict(zip(seeds, [0.93, 0.95, 0.37] if seeds[0] == 0 else [0.91] * 3, strict=True))
    found = compare_seeds(first, other)
    assert (found.p, found.half_width) == (None, None)
    assert compare_seeds(first, dict(zip(seeds, first.values(), strict=True))).p == 1


def rights(*, both: int, first: int, other: int, neither: int) -> tuple[NDArray[np.bool_], ...]:
    a = np.repeat([True, True, False, False], [both, first, other, neither])
    b = np.repeat([True, False, True, False], [both, first, other, neither])
    return a, b


@pytest.mark.parametrize(("first", "other"), [(0, 0), (0, 6), (1, 5), (3, 3), (7, 2), (4, 8)])
def test_mcnemar_counts_every_way_the_images_could_have_fallen(first: int, other: int):
    found = mcnemar(*rights(both=20, first=first, other=other, neither=4))
    count = first + other
    falls = [sum(fall) for fall in itertools.product((0, 1), repeat=count)]
    extreme = [n for n in falls if abs(2 * n - count) >= abs(first - other)]
    assert found.p == pytest.approx(len(extreme) / len(falls))
    assert (found.only_first, found.only_other) == (first, other)
    assert found.difference == pytest.approx((other - first) / (24 + count))


def test_mcnemar_of_a_test_set():
    found = mcnemar(*rights(both=9100, first=212, other=275, neither=413))
    assert found.p == pytest.approx(stats.binomtest(212, 487, 0.5).pvalue, rel=1e-9)


def test_interval_over_images_is_that_of_paired_shares():
    pair = rights(both=9100, first=212, other=275, neither=413)
    half = image_half_width(pair[0][None], pair[1][None])
    wald = 1.959964 * math.sqrt(212 + 275 - (275 - 212) ** 2 / 10_000) / 10_000
    assert half == pytest.approx(wald, rel=1e-3)
    share = pair[0].mean()
    alone = 1.959964 * math.sqrt(share * (1 - share) / 10_000)
    assert image_half_width(pair[0][None]) == pytest.approx(alone, rel=1e-3)


def test_interval_over_images_holds_what_it_promises():
    """Images of different difficulty, drawn anew: the difference is in the interval 95 times."""
    rng = np.random.default_rng(1)
    inside = 0
    truth = np.minimum(1, rng.beta(3, 1, 1_000_000) + 0.03).mean() - 0.75
    for _ in range(1000):
        ease = rng.beta(3, 1, size=400)
        first, other = (rng.random((3, 400)) < ease + gain for gain in (0.0, 0.03))
        found = other.mean() - first.mean()
        inside += abs(found - truth) <= image_half_width(first, other)
    assert 0.93 <= inside / 1000 <= 0.97


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_holm_keeps_the_rate_of_any_false_alarm():
    rng = np.random.default_rng(2)
    alarms = sum(min(holm(list(rng.random(5)))) < 0.05 for _ in range(4000))
    assert alarms / 4000 == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize(
    ("effect", "paired", "seeds"),
    [(1.0, True, 10), (0.5, True, 34), (1.0, False, 17), (0.8, False, 26), (0.5, False, 64)],
)
def test_seeds_needed_are_those_of_the_tables(effect: float, paired: bool, seeds: int):
    """Cohen (1988), chapter 2: two-sided 5%, power 80%, the effect in standard deviations."""
    variances = (1.0,) if paired else (1.0, 1.0)
    assert seeds_needed(SeedTest("t", effect, 1.0, 0.5, variances)) == seeds


@pytest.mark.parametrize("count", [3, 6])
@pytest.mark.parametrize("gap", [0.0, 1.5])
@pytest.mark.parametrize("way", ["paired", "welch"])
def test_power_is_the_share_of_simulated_experiments_that_show_it(way: str, gap: float, count: int):
    rng = np.random.default_rng(count)
    first = rng.normal(0, 1.0, (20_000, count))
    other = rng.normal(gap, 1.0, (20_000, count))
    test: Callable[..., Any] = stats.ttest_rel if way == "paired" else stats.ttest_ind
    options = {} if way == "paired" else {"equal_var": False}
    shown = (test(first, other, axis=1, **options).pvalue < 0.05).mean()
    variances = (2.0,) if way == "paired" else (1.0, 1.0)
    # Of three seeds, Welch's test knows its degrees of freedom badly, and is more careful.
    near = 0.08 if way == "welch" and count == 3 else 0.02
    assert t_power(gap, variances, count) == pytest.approx(shown, abs=near)


@pytest.mark.parametrize("freedom", [1.0, 1.7, 3.0, 30.0])
def test_power_of_a_clear_difference_is_a_number_that_rises_to_one(freedom: float):
    """SciPy's noncentral t is NaN there, which was taken for no power at all."""
    count = round(freedom) + 1
    powers = [t_power(gap, (1.0,), count) for gap in np.geomspace(0.1, 300, 60)]
    assert np.isfinite(powers).all()
    assert powers == sorted(powers)
    assert powers[-1] == pytest.approx(1)


def test_two_seeds_that_nearly_agree_show_a_gap_twenty_times_their_scatter():
    test = SeedTest("t", 0.01, 1.0, 0.5, (0.0015**2,))
    assert seeds_needed(test) == 3  # by numerical integration, the power of three is 0.9986
    assert t_power(0.01, (0.0015**2,), 3) == pytest.approx(0.9986, abs=1e-4)


def test_small_differences_need_more_seeds_and_tiny_ones_too_many():
    needed = [seeds_needed(SeedTest("t", gap, 1.0, 0.5, (1.0,))) for gap in (2.0, 1.0, 0.3, 0.01)]
    assert needed[:3] == sorted(n for n in needed if n)
    assert needed[3] is None
    stricter = seeds_needed(SeedTest("t", 1.0, 1.0, 0.5, (1.0,)), alpha=0.01)
    assert stricter is not None
    assert needed[1] is not None
    assert stricter > needed[1]
