"""Out-of-distribution detection: scores of logits, and how well they separate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

FALSE_ALARMS = 0.05
"""False positive rate of thresholds on in-distribution images."""

Floats = NDArray[np.float64]


def energy(logits: NDArray[Any]) -> Floats:
    """(N,) negative free energy of logits (Liu et al. 2020, arXiv 2010.03759); high: typical."""
    return np.asarray(logsumexp(logits.astype(np.float64), axis=1))


def max_probability(logits: NDArray[Any]) -> Floats:
    """(N,) top probability (Hendrycks and Gimpel 2017, arXiv 1610.02136); high: typical."""
    return np.asarray(softmax(logits.astype(np.float64), axis=1)).max(axis=1)


SCORES: dict[str, Callable[[NDArray[Any]], Floats]] = {
    "energy": energy,
    "max_probability": max_probability,
}
"""Each takes (N, classes) uncalibrated logits."""


@dataclass(frozen=True)
class Separation:
    """How well a score separates in-distribution images from others."""

    auroc: float
    """Share of pairs in which the in-distribution image scores higher; ties count half."""
    threshold: float
    """Images below it count as outliers."""
    false_alarms: float
    """Share of in-distribution images below the threshold."""
    noticed: float
    """Share of other images below it."""


def separate(own: Floats, others: Floats, *, threshold: float) -> Separation:
    """Compute the separation of (N,) in-distribution and (M,) other scores.

    Args:
        own: Scores of images that were not used to choose the threshold.
        others: Scores of images of other classes.
        threshold: From `threshold_of` for held-out or training images.
    """
    ranks = rankdata(np.concatenate([own, others]))[: len(own)]
    pairs = len(own) * len(others)
    auroc = (ranks.sum() - len(own) * (len(own) + 1) / 2) / pairs
    return Separation(
        auroc=float(auroc),
        threshold=threshold,
        false_alarms=float((own < threshold).mean()),
        noticed=float((others < threshold).mean()),
    )


def threshold_of(own: Floats) -> float:
    """The score below which 5% of the in-distribution images are."""
    return float(np.quantile(own, FALSE_ALARMS))
