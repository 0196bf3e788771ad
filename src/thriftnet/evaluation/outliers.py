"""Does the network notice what is none of its classes? Scores of logits, and how well they tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

FALSE_ALARMS = 0.05
"""Share of the network's own images that a threshold takes for others."""

Floats = NDArray[np.float64]


def energy(logits: NDArray[Any]) -> Floats:
    """(N,) negative free energy of logits (Liu et al. 2020, arXiv 2010.03759); high: known."""
    return np.asarray(logsumexp(logits.astype(np.float64), axis=1))


def max_probability(logits: NDArray[Any]) -> Floats:
    """(N,) largest probability (Hendrycks and Gimpel 2017, arXiv 1610.02136); high: known."""
    return softmax(logits.astype(np.float64), axis=1).max(axis=1)


SCORES: dict[str, Callable[[NDArray[Any]], Floats]] = {
    "energy": energy,
    "max_probability": max_probability,
}
"""Each takes (N, classes) logits before any calibration."""


@dataclass(frozen=True)
class Separation:
    """How well a score tells the network's own images from others."""

    auroc: float
    """Share of pairs of which the network's own image scores higher; ties count half."""
    threshold: float
    """Below it an image counts as none of the classes."""
    false_alarms: float
    """Share of the network's own images below the threshold."""
    noticed: float
    """Share of the other images below it."""


def separate(own: Floats, others: Floats, *, threshold: float) -> Separation:
    """Figures of (N,) scores of own images and (M,) of others.

    Args:
        own: Of images that did not choose the threshold.
        others: Of images of no class of the network.
        threshold: As `threshold_of` gives it for held-out or training images.
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
    """The score that 5% of the network's own images fall below."""
    return float(np.quantile(own, FALSE_ALARMS))
