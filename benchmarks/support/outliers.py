"""Out-of-distribution detection: scores of logits and features, and how well they separate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

_SHRINKAGE = 1e-2
"""Shrinkage of the covariance towards its mean variance, so that it is invertible."""
FALSE_ALARMS = 0.05
"""False positive rate of thresholds on in-distribution images."""

Floats = NDArray[np.float64]


def energy(logits: NDArray[Any]) -> Floats:
    """(N,) negative free energy of logits (Liu et al. 2020, arXiv 2010.03759); high: typical."""
    return np.asarray(logsumexp(logits.astype(np.float64), axis=1))


def max_probability(logits: NDArray[Any]) -> Floats:
    """(N,) top probability (Hendrycks and Gimpel 2017, arXiv 1610.02136); high: typical."""
    return softmax(logits.astype(np.float64), axis=1).max(axis=1)


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


@dataclass(frozen=True)
class UsualFeatures:
    """Class means and the inverse of the shared covariance (Lee et al. 2018)."""

    means: Floats
    """(classes, features)."""
    precision: Floats
    """(features, features)."""

    @classmethod
    def fit(cls, features: NDArray[Any], labels: NDArray[np.int64]) -> UsualFeatures:
        """Fit to (N, features) of training images, or similar ones."""
        values = features.astype(np.float64)
        means = np.stack([values[labels == k].mean(axis=0) for k in np.unique(labels)])
        centred = values - means[np.unique(labels, return_inverse=True)[1]]
        covariance = centred.T @ centred / len(values)
        mean_variance = np.trace(covariance) / len(covariance)
        shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * mean_variance * np.eye(
            len(covariance)
        )
        return cls(means, np.linalg.inv(shrunk))

    def score(self, features: NDArray[Any]) -> Floats:
        """(N,) negative squared Mahalanobis distance to the nearest class; high: typical."""
        values = features.astype(np.float64)
        distances = [
            np.einsum("nf,fg,ng->n", values - mean, self.precision, values - mean, optimize=True)
            for mean in self.means
        ]
        return -np.min(distances, axis=0)
