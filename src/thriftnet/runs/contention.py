"""CPU contention in a run's metrics: its mean, and its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from thriftnet.runs.metrics_log import MetricRecord, is_figure

LARGE_SHARE = 0.1
"""Share of the requested CPU time below which contention is not mentioned."""


def is_large(share: object) -> TypeGuard[float]:
    """Whether contention was so large that measured speeds are not meaningful."""
    return is_figure(share) and share >= LARGE_SHARE


def contention_text(share: object) -> str:
    """Text for a progress line; empty if the share is small."""
    return f"other work {share:.0%}" if is_large(share) else ""


def mean_contention(epochs: Iterable[MetricRecord]) -> float | None:
    """Mean share over epochs, weighted by time; None if unknown."""
    total = weight = before = 0.0
    for line in epochs:
        share, seconds = line.get("cpu_contention"), line.get("seconds")
        if not is_figure(seconds):
            continue
        if is_figure(share):
            total += share * (seconds - before)
            weight += seconds - before
        before = seconds
    return total / weight if weight > 0 else None
