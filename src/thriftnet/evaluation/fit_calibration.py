"""Fits a temperature and a monotonic map to held-out images, selected by cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import DataError
from thriftnet.evaluation.abstention import accepted_predictions
from thriftnet.evaluation.calibration import (
    brier_score,
    equal_mass_error,
    log_probabilities,
    mean_nll,
    noise_floor,
)
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.engine import check_finite
from thriftnet.models.calibration import LEAST_IMAGES, CalibrationFigures, ViewCalibration

_PER_BIN = 80
"""Minimum number of images per bin of a monotonic map."""
_BINS = (5, 10, 20)
_FOLDS = 5
_SEED = 0
_RANGE = (-4.0, 4.0)
"""Bounds of the log temperature."""
_ADDED = 0.5
"""Images added where the held-out ones alone would give a probability of 0 or 1."""

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]
Shifts = tuple[tuple[float, float], ...]


def check_labels(labels: Labels, what: str, *, remedy: str) -> None:
    """Check that there are enough held-out images for a calibration, before they are classified.

    Args:
        labels: (N,).
        what: Names the images in messages.
        remedy: What to do otherwise.

    Raises:
        DataError: They are too few, or of one class.
    """
    if len(labels) < LEAST_IMAGES:
        raise DataError(f"{len(labels)} {what} are fewer than {LEAST_IMAGES}; {remedy}")
    if len(np.unique(labels)) < 2:
        raise DataError(f"all {len(labels):,} {what} are of one class; {remedy}")


def check_held_out(logits: NDArray[Any], labels: Labels) -> None:
    """Check that held-out predictions suffice for a calibration.

    Raises:
        DataError: They are too few, of one class, or all correct.
        RunError: A logit is not finite.
    """
    more = "give more with --data PATH"
    check_labels(labels, "held-out images", remedy=more)
    check_finite(torch.from_numpy(logits))
    if (logits.argmax(axis=1) == labels).all():
        raise DataError(
            f"all {len(labels):,} held-out images are classified correctly, so probabilities "
            f"below 1 cannot be calibrated; {more}, or harder ones"
        )


def fit_views(logits: NDArray[Any], labels: Labels) -> ViewCalibration:
    """Fit the map for one test-time augmentation.

    A temperature, and monotonic maps with several numbers of bins, are compared by five-fold
    cross-validated likelihood; the best is fitted to all images.

    Args:
        logits: (N, classes) uncalibrated logits of held-out images.
        labels: (N,).

    Raises:
        DataError: They are too few, of one class, or all right.
        RunError: A logit is not finite.
    """
    check_held_out(logits, labels)
    logits = logits.astype(np.float64)
    sizes = [0, *(b for b in _BINS if b * _PER_BIN <= len(labels) * (_FOLDS - 1) // _FOLDS)]
    judged = {size: _cross_fitted(logits, labels, bins=size) for size in sizes}
    chosen = min(sizes, key=lambda size: mean_nll(judged[size], labels))
    held_out, (temperature, shifts) = judged[chosen], _fit(logits, labels, bins=chosen)
    confidence = np.exp(log_probabilities(held_out).max(axis=1))
    return ViewCalibration(
        temperature=temperature,
        shifts=shifts,
        before=_figures(logits, labels),
        after=_figures(held_out, labels),
        noise_floor=noise_floor(confidence),
        accepted=accepted_predictions(confidence, held_out.argmax(axis=1) == labels),
    )


def _cross_fitted(logits: Logits, labels: Labels, *, bins: int) -> Logits:
    """Calibrated logits of each image, from a map fitted without it."""
    fold = np.random.default_rng(_SEED).permutation(len(labels)) % _FOLDS
    found = np.empty_like(logits)
    for each in range(_FOLDS):
        inside, outside = fold != each, fold == each
        found[outside] = _apply(logits[outside], *_fit(logits[inside], labels[inside], bins=bins))
    return found


def _fit(logits: Logits, labels: Labels, *, bins: int) -> tuple[float, Shifts]:
    temperature = fit_temperature(logits, labels)
    return temperature, fit_shifts(logits / temperature, labels, bins=bins) if bins else ()


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature of maximum likelihood (Guo et al. 2017, arXiv 1706.04599).

    Half an image is added that is of every class in equal parts. Without it, images that are all
    classified correctly would drive the temperature to its bound, and the first wrong one that a
    fold holds out would have a probability of about 0.
    """

    def loss(log_temperature: float) -> float:
        logs = log_probabilities(logits / np.exp(log_temperature))
        own = logs[np.arange(len(labels)), labels]
        return float(-(own.sum() + _ADDED * logs.mean()) / len(labels))

    from scipy.optimize import minimize_scalar

    found = minimize_scalar(loss, bounds=_RANGE, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def is_at_chance(temperature: float) -> bool:
    """Whether a temperature is the greatest: the larger, the better, as the logits say nothing."""
    return bool(temperature > 0.99 * np.exp(_RANGE[1]))


def fit_shifts(logits: Logits, labels: Labels, *, bins: int) -> Shifts:
    """Fit the amounts added to the largest logit, by its log-odds.

    Isotonic regression of the log-odds of a correct prediction over equal-count bins, with half an
    image added to correct and wrong counts, so that no bin has probability 0 or 1.
    """
    from scipy.optimize import isotonic_regression
    from scipy.special import logit

    confidence = np.exp(log_probabilities(logits).max(axis=1))
    hit = logits.argmax(axis=1) == labels
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    at = np.array([logit(np.clip(confidence[part].mean(), 1e-6, 1 - 1e-6)) for part in parts])
    right = np.array([(hit[part].sum() + _ADDED) / (len(part) + 2 * _ADDED) for part in parts])
    weights = np.array([len(part) for part in parts], dtype=np.float64)
    to = isotonic_regression(logit(right), weights=weights).x
    distinct = np.append(True, np.diff(at) > 1e-6)
    pairs = zip(at[distinct].tolist(), (to - at)[distinct].tolist(), strict=True)
    return tuple(pairs)


def _apply(logits: Logits, temperature: float, shifts: Shifts) -> Logits:
    return calibrated(torch.from_numpy(logits), temperature, shifts).numpy()


def _figures(logits: Logits, labels: Labels) -> CalibrationFigures:
    probabilities = np.exp(log_probabilities(logits))
    hit = logits.argmax(axis=1) == labels
    return CalibrationFigures(
        nll=mean_nll(logits, labels),
        brier=brier_score(probabilities, labels),
        error=equal_mass_error(probabilities.max(axis=1), hit),
    )
