"""Statistics over seeds and test images: intervals, tests, and the number of seeds needed.

An accuracy has two sources of uncertainty. Seeds: tests over seeds compare recipes. Test images:
tests over images compare two given networks. Neither replaces the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy import special

ALPHA = 0.05
"""Two-sided level of every test; intervals have level 1 - ALPHA."""

POWER = 0.8
"""Power for the number of seeds needed."""

MOST_SEEDS = 1000
"""Upper limit for the number of seeds needed."""

_NODES, _HALVES = np.polynomial.legendre.leggauss(200)
_QUANTILES, _WEIGHTS = (1 + _NODES) / 2, _HALVES / 2
"""Gauss-Legendre quadrature on [0, 1]; within 2e-5 of nctdtr where that is finite."""

_NO_SCATTER = 1e-9
"""Accuracies are shares of images; a standard error below this is rounding."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds."""

    mean: float
    deviation: float | None
    """Standard deviation over seeds; None for a single seed."""
    half_width: float | None
    """Half of the 95% t interval of the mean; None for a single seed."""


@dataclass(frozen=True)
class SeedTest:
    """Test of the difference between two groups' means over seeds."""

    name: str
    difference: float
    """Mean of the other group minus that of the first."""
    half_width: float | None
    """Half of the difference's 95% t interval; None if there are too few seeds."""
    p: float | None
    """Two-sided; None if there are too few seeds."""
    variances: tuple[float, ...]
    """Variance of the paired differences, or of each group; empty if unknown."""


@dataclass(frozen=True)
class ImageTest:
    """Test of the difference between two networks on the same test images."""

    only_first: int
    """Images that only the first network classifies correctly."""
    only_other: int
    difference: float
    """Accuracy of the other network minus that of the first."""
    p: float
    """Two-sided."""
    name: str = "McNemar's exact test"


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, standard deviation and 95% t interval of a value over seeds."""
    count = len(values)
    if count < 2:
        return Estimate(fmean(values), None, None)
    deviation = stdev(values)
    half_width = _t_quantile(count - 1) * deviation / math.sqrt(count)
    return Estimate(fmean(values), deviation, half_width)


def compare_seeds(first: Mapping[int, float], other: Mapping[int, float]) -> SeedTest:
    """Compare two groups by a t test that depends on their seeds.

    The same seeds, at least two: paired. Different seeds: Welch (1947). One group with a single
    seed: Student's, assuming the other's variance. Single seeds: no test.

    Args:
        first: Value of each seed.
        other: Value of each seed.
    """
    a, b = list(first.values()), list(other.values())
    difference = fmean(b) - fmean(a)
    if len(a) > 1 and first.keys() == other.keys():
        variance = stdev([other[seed] - first[seed] for seed in first]) ** 2
        error, freedom = math.sqrt(variance / len(a)), len(a) - 1.0
        return _t_test("paired t test", difference, error, freedom, (variance,))
    if len(a) > 1 and len(b) > 1:
        variances = stdev(a) ** 2, stdev(b) ** 2
        parts = variances[0] / len(a), variances[1] / len(b)
        scatter = sum(part**2 / (n - 1) for part, n in zip(parts, (len(a), len(b)), strict=True))
        freedom = sum(parts) ** 2 / scatter if scatter else 1.0
        return _t_test("Welch's t test", difference, math.sqrt(sum(parts)), freedom, variances)
    if len(a) > 1 or len(b) > 1:
        variance = stdev(max(a, b, key=len)) ** 2
        error = math.sqrt(variance * (1 / len(a) + 1 / len(b)))
        freedom = len(a) + len(b) - 2.0
        return _t_test("Student's t test", difference, error, freedom, (variance, variance))
    return SeedTest("none", difference, None, None, ())


def _t_test(
    name: str, difference: float, error: float, freedom: float, variances: tuple[float, ...]
) -> SeedTest:
    if error < _NO_SCATTER:  # p would be 0, which few seeds cannot support
        same = abs(difference) < _NO_SCATTER
        return SeedTest(name, difference, None, 1.0 if same else None, ())
    p = float(2 * special.stdtr(freedom, -abs(difference) / error))
    return SeedTest(name, difference, _t_quantile(freedom) * error, p, variances)


def mcnemar(first: NDArray[np.bool_], other: NDArray[np.bool_]) -> ImageTest:
    """Exact test (McNemar 1947) of two networks on the same images.

    Args:
        first: (N,) whether the first network classifies each image correctly.
        other: (N,).
    """
    only_first = int((first & ~other).sum())
    only_other = int((other & ~first).sum())
    tail = special.bdtr(min(only_first, only_other), only_first + only_other, 0.5)
    return ImageTest(
        only_first=only_first,
        only_other=only_other,
        difference=(only_other - only_first) / len(first),
        p=min(1.0, 2 * float(tail)),
    )


def image_half_width(first: NDArray[np.bool_], other: NDArray[np.bool_] | None = None) -> float:
    """Half of the 95% interval over test images of a mean accuracy, or of a paired difference.

    Args:
        first: (networks, N) whether each classifies each image correctly.
        other: (networks, N) likewise, for the difference of means.
    """
    shares = first.mean(axis=0) if other is None else other.mean(axis=0) - first.mean(axis=0)
    quantile = float(special.ndtri(1 - ALPHA / 2))
    return quantile * float(shares.std(ddof=1)) / math.sqrt(len(shares))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-corrected p-values (Holm 1979), in the given order."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def seeds_needed(test: SeedTest, *, alpha: float = ALPHA) -> int | None:
    """Seeds per group to detect the observed difference with probability `POWER`.

    Args:
        test: From `compare_seeds`.
        alpha: Level of the two-sided test.

    Returns:
        None if the variance is unknown, or more than `MOST_SEEDS` are needed.
    """
    if not test.variances or not test.difference:
        return None
    for count in range(2, MOST_SEEDS + 1):
        if t_power(test.difference, test.variances, count, alpha=alpha) >= POWER:
            return count
    return None


def t_power(
    difference: float, variances: tuple[float, ...], count: int, *, alpha: float = ALPHA
) -> float:
    """Power of the two-sided t test.

    Exact for the paired test. For Welch's, degrees of freedom are taken as known, which slightly
    overestimates the power for few seeds.

    Args:
        difference: The true difference.
        variances: Of the paired differences, or of the two groups (Welch).
        count: Seeds per group, at least two.
        alpha: Level of the test.
    """
    total = sum(variances)
    freedom = (count - 1) * total**2 / sum(variance**2 for variance in variances)
    shift = abs(difference) / math.sqrt(total / count)
    # T is noncentral t: averages the normal tail over quantiles of the chi-squared. SciPy's nctdtr
    # is NaN for many large differences, from a shift of about 8.
    spread = np.sqrt(2 * special.gammaincinv(freedom / 2, _QUANTILES) / freedom)
    limit = _t_quantile(freedom, alpha) * spread
    return float(_WEIGHTS @ (special.ndtr(shift - limit) + special.ndtr(-shift - limit)))


def _t_quantile(freedom: float, alpha: float = ALPHA) -> float:
    return float(special.stdtrit(freedom, 1 - alpha / 2))
