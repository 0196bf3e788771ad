"""Fit a temperature and a monotone map to held-out images; held-out likelihood chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import DataError, RunError
from thriftnet.evaluation.abstention import accepted_predictions
from thriftnet.evaluation.calibration import (
    brier_score,
    equal_mass_error,
    log_probabilities,
    mean_nll,
    noise_floor,
)
from thriftnet.inference.calibrated import calibrated
from thriftnet.models.calibration import CalibrationFigures, ViewCalibration

LEAST_IMAGES = 100
"""A temperature alone is a percent or so off below that."""
_PER_BIN = 80
"""Images a bin of a monotone map needs at least."""
_BINS = (5, 10, 20)
_FOLDS = 5
_SEED = 0
_RANGE = (-4.0, 4.0)
"""Of the logarithm of the temperature."""

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]
Shifts = tuple[tuple[float, float], ...]


def check_held_out(logits: NDArray[Any], labels: Labels) -> None:
    """See that something can be learned from held-out predictions.

    Raises:
        DataError: They are too few, of one class, or all right.
        RunError: A logit is not finite.
    """
    more = "give more with --data PATH"
    if len(labels) < LEAST_IMAGES:
        raise DataError(f"{len(labels)} held-out images are fewer than {LEAST_IMAGES}; {more}")
    if len(np.unique(labels)) < 2:
        raise DataError(f"all {len(labels):,} held-out images are of one class; {more}")
    if not np.isfinite(logits).all():
        raise RunError("the network's outputs are not finite; train it anew")
    if (logits.argmax(axis=1) == labels).all():
        raise DataError(
            f"all {len(labels):,} held-out images are classified correctly, so that no probability "
            f"below 1 can be told from another; {more}, or harder ones"
        )


def fit_views(logits: NDArray[Any], labels: Labels) -> ViewCalibration:
    """The map for one choice of views.

    A temperature alone and monotone maps of several sizes are fitted to four fifths of the images
    and judged on the others, five times; the best likelihood wins and is fitted to all.

    Args:
        logits: (N, classes) of held-out images, not calibrated.
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
    """Each image's calibrated logits by a map that was fitted without it."""
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
    """The temperature of the best likelihood (Guo et al. 2017, arXiv 1706.04599)."""

    def nll(log_temperature: float) -> float:
        return mean_nll(logits / np.exp(log_temperature), labels)

    from scipy.optimize import minimize_scalar

    found = minimize_scalar(nll, bounds=_RANGE, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def fit_shifts(logits: Logits, labels: Labels, *, bins: int) -> Shifts:
    """How far the largest logit moves at which log-odds.

    Isotonic regression of the log-odds of being right over bins of equal numbers of images; half an
    image is added to the right and to the wrong ones of each, so that none says never.
    """
    from scipy.optimize import isotonic_regression
    from scipy.special import logit

    confidence = np.exp(log_probabilities(logits).max(axis=1))
    hit = logits.argmax(axis=1) == labels
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    at = np.array([logit(np.clip(confidence[part].mean(), 1e-6, 1 - 1e-6)) for part in parts])
    right = np.array([(hit[part].sum() + 0.5) / (len(part) + 1) for part in parts])
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
