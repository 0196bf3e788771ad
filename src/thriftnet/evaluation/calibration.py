"""Calibration metrics with bootstrap intervals and the noise floor of perfect calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
_RESAMPLES = 200
_SEED = 0

Floats = NDArray[np.float64]
Hits = NDArray[np.bool_]


@dataclass(frozen=True)
class CalibrationReport:
    """Quality of the probabilities for a set of images."""

    images: int
    nll: float
    """Mean negative log likelihood, nats."""
    brier: float
    error: float
    """Calibration error of the top probability over 15 equal-count bins."""
    interval: tuple[float, float]
    """95% interval of `error`, by a basic bootstrap over images."""
    noise_floor: float
    """Expected error of a perfectly calibrated network with these probabilities and as many
    images."""
    classwise_error: float
    """The same error for each class's probability, averaged over classes."""
    mean_confidence: float
    accuracy: float

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "interval": list(self.interval)}


def log_probabilities(logits: NDArray[Any]) -> Floats:
    """(N, classes) log-softmax in double precision."""
    from scipy.special import log_softmax  # takes 0.2 s to import

    return np.asarray(log_softmax(logits.astype(np.float64), axis=1))


def calibration_report(logits: NDArray[Any], labels: NDArray[np.int64]) -> CalibrationReport:
    """All metrics for (N, classes) finite logits and (N,) labels."""
    logs = log_probabilities(logits)
    probabilities = np.exp(logs)
    confidence, hit = probabilities.max(axis=1), logits.argmax(axis=1) == labels
    return CalibrationReport(
        images=len(labels),
        nll=mean_nll(logits, labels),
        brier=brier_score(probabilities, labels),
        error=equal_mass_error(confidence, hit),
        interval=bootstrap_interval(confidence, hit),
        noise_floor=noise_floor(confidence),
        classwise_error=classwise_error(probabilities, labels),
        mean_confidence=float(confidence.mean()),
        accuracy=float(hit.mean()),
    )


def mean_nll(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Mean negative log likelihood in nats."""
    logs = log_probabilities(logits)
    return float(-logs[np.arange(len(labels)), labels].mean())


def brier_score(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean squared distance from the one-hot label (Brier 1950), 0 to 2."""
    own = probabilities[np.arange(len(labels)), labels]
    return float(((probabilities**2).sum(axis=1) - 2 * own + 1).mean())


def equal_mass_error(confidence: Floats, hit: Hits) -> float:
    """Mean gap between confidence and accuracy over equal-count bins.

    Equal-width bins have few images at rare confidences, so that their gaps are noise (Nixon et al.
    2019, arXiv 1904.01685).
    """
    order = np.argsort(confidence, kind="stable")
    return _error_of(hit[order].astype(np.float64) - confidence[order])


def _error_of(gaps: Floats) -> float:
    """The calibration error of images in ascending order of confidence."""
    if not len(gaps):
        return 0.0
    starts = _bin_starts(len(gaps))
    return float(np.abs(np.add.reduceat(gaps, starts)).sum() / len(gaps))


def _bin_starts(count: int) -> NDArray[np.int64]:
    """Start of each bin among sorted images; bin sizes differ by at most one."""
    bins = min(BINS, count)
    return np.unique(np.arange(bins) * count // bins)


def classwise_error(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """The calibration error of each class's probability, averaged over classes."""
    classes = range(probabilities.shape[1])
    errors = [equal_mass_error(probabilities[:, k], labels == k) for k in classes]
    return float(np.mean(errors))


def bootstrap_interval(confidence: Floats, hit: Hits) -> tuple[float, float]:
    """95% interval of the calibration error.

    The error is biased upwards by noise, and resampling adds the same bias again, which the basic
    bootstrap subtracts.
    """
    rng = np.random.default_rng(_SEED)
    found = equal_mass_error(confidence, hit)
    order = np.argsort(confidence, kind="stable")
    rank = np.argsort(order)
    gaps = hit[order].astype(np.float64) - confidence[order]
    errors: list[float] = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rank[rng.integers(len(hit), size=len(hit))], minlength=len(hit))
        errors.append(_error_of(np.repeat(gaps, drawn)))  # sorted without sorting again
    low, high = np.quantile(errors, [0.025, 0.975])
    return max(0.0, 2 * found - float(high)), max(0.0, 2 * found - float(low))


def noise_floor(confidence: Floats) -> float:
    """Mean error of simulated, perfectly calibrated networks."""
    rng = np.random.default_rng(_SEED)
    ordered = np.sort(confidence)
    errors = [_error_of((rng.random(len(ordered)) < ordered) - ordered) for _ in range(_RESAMPLES)]
    return float(np.mean(errors))


def reliability(confidence: Floats, hit: Hits) -> list[tuple[float, float, int]]:
    """Mean confidence, accuracy and number of images of each equal-count bin."""
    order = np.argsort(confidence, kind="stable")
    starts = _bin_starts(len(hit))
    parts = zip(
        np.split(confidence[order], starts[1:]), np.split(hit[order], starts[1:]), strict=True
    )
    return [(float(c.mean()), float(h.mean()), len(h)) for c, h in parts]
