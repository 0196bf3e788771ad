"""Selective prediction: accuracy against the share of images that are classified."""

from __future__ import annotations

import numpy as np

from thriftnet.evaluation.calibration import Floats, Hits
from thriftnet.models.calibration import Accepted

_COVERAGES = 40
"""Number of thresholds, at coverages 1/40 to 1, fixed in advance."""


def risk_coverage(confidence: Floats, hit: Hits) -> tuple[Floats, Floats]:
    """(N,) coverages, most confident first, and the error rate at each."""
    order = np.argsort(-confidence, kind="stable")
    kept = np.arange(1, len(hit) + 1)
    return kept / len(hit), np.cumsum(~hit[order]) / kept


def risk_area(confidence: Floats, hit: Hits) -> float:
    """Area under the risk–coverage curve (Geifman and El-Yaniv 2017, arXiv 1705.08500)."""
    return float(risk_coverage(confidence, hit)[1].mean())


def coverage_at(confidence: Floats, hit: Hits, *, accuracy: float) -> float:
    """The largest coverage with at least that accuracy."""
    coverage, risk = risk_coverage(confidence, hit)
    kept = coverage[1 - risk >= accuracy]
    return float(kept[-1]) if len(kept) else 0.0


def accepted_predictions(confidence: Floats, hit: Hits) -> tuple[Accepted, ...]:
    """Thresholds at fixed coverages of held-out images, with counts of correct predictions."""
    ordered = -np.sort(-confidence)
    found: dict[float, Accepted] = {}
    for part in range(1, _COVERAGES + 1):
        threshold = float(ordered[max(0, len(ordered) * part // _COVERAGES - 1)])
        above = confidence >= threshold  # ties are in or out together
        right = int(hit[above].sum())
        found[threshold] = Accepted(threshold=threshold, count=int(above.sum()), right=right)
    return tuple(found.values())
