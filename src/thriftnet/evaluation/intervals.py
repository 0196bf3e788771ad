"""95% intervals of proportions over test images, not over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

_Z = 1.959964
"""Quantile for a two-sided 95%."""


def wilson_interval(correct: float, total: int) -> Interval:
    """95% interval of a proportion (Wilson 1927)."""
    if total == 0:
        return (0.0, 1.0)
    share, z = correct / total, _Z
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def score_interval(scores: Sequence[float] | NDArray[np.float64]) -> Interval:
    """95% interval of the mean of scores in [0, 1], one per image, by Student's t.

    Equal scores tell nothing of how they vary: as far as they are known they could be all of 0 and
    1, and have the interval of a proportion.
    """
    from scipy.special import stdtrit  # takes 0.2 s to import

    values = np.asarray(scores, dtype=np.float64)
    mean, count = float(values.mean()), len(values)
    if np.ptp(values) == 0:
        return wilson_interval(mean * count, count)
    half = float(stdtrit(count - 1, 0.975) * values.std(ddof=1) / np.sqrt(count))
    return max(0.0, mean - half), min(1.0, mean + half)


def mean_interval(shares: Sequence[tuple[float, Interval]]) -> tuple[float, Interval]:
    """The mean of independent proportions, with an interval from theirs.

    Distances to the limits add up like standard deviations (MOVER: Zou, Huang and Zhang, "A note on
    confidence interval estimation for a linear function of binomial proportions", 2009). Unlike a
    normal interval, it has a width even if every proportion is 0 or 1.

    Args:
        shares: Each proportion with its limits, at least one.
    """
    count = len(shares)
    mean = sum(share for share, _ in shares) / count
    below = math.sqrt(sum((share - low) ** 2 for share, (low, _) in shares)) / count
    above = math.sqrt(sum((high - share) ** 2 for share, (_, high) in shares)) / count
    return mean, (max(0.0, mean - below), min(1.0, mean + above))
