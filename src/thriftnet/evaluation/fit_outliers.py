"""Fits the scores of usual pictures, by which others are recognised, to held-out images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.inference.outliers import SHARES, OutlierScorer, Scores
from thriftnet.inference.thresholds import LEVEL
from thriftnet.models.calibration import OutlierReference, OutlierThreshold
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute

_LEAST_DEVIATION = 1e-9
"""Of scores that are all equal: the distance of a network without batch norms."""


def fit_outliers(
    model: SavedModel,
    images: NDArray[np.uint8],
    compute: Compute,
    *,
    on_progress: OnProgress = no_progress,
) -> OutlierReference:
    """Score held-out images and choose a threshold for each of `SHARES` that they can show.

    Args:
        model: The network.
        images: (N, H, W, 3) uint8 that did not train it.
        compute: Device and precision.
        on_progress: Called with the number of images done and the total.

    Raises:
        RunError: A logit is not finite.
    """
    found = OutlierScorer(model, compute).scores(images, on_progress=on_progress)
    reference = OutlierReference(energy=_spread(found.energy), distance=_spread(found.distance))
    return reference.model_copy(update={"thresholds": _thresholds(found, reference)})


def largest_count_below(count: int, share: float) -> int:
    """The most of `count` images below a threshold that show a rate of at most `share`.

    By the exact upper bound of a proportion (Clopper and Pearson 1934), one-sided at 95%. -1: even
    none would not show it.
    """
    from scipy.stats import beta

    below = np.arange(count)
    bounds = beta.ppf(LEVEL, below + 1, count - below)
    return int(np.searchsorted(bounds, share, side="right")) - 1


def _spread(scores: NDArray[np.float64]) -> tuple[float, float]:
    return float(scores.mean()), max(float(scores.std()), _LEAST_DEVIATION)


def _thresholds(found: Scores, reference: OutlierReference) -> tuple[OutlierThreshold, ...]:
    ordered = np.sort(found.typicality(reference))
    counts = {share: largest_count_below(len(ordered), share) for share in SHARES}
    # Halfway between two images: at one's own score, its verdict would depend on the rounding.
    return tuple(
        OutlierThreshold(share=share, score=float(ordered[max(0, count - 1) : count + 1].mean()))
        for share, count in counts.items()
        if count >= 0
    )
