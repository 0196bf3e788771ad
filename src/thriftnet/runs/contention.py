"""What the metrics of a run tell of other work on its processors, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from thriftnet.runs.metrics_log import MetricRecord, is_figure

LARGE_SHARE = 0.1
"""Of the CPU time that a training asked for: below, other work is not worth a word."""


def is_large(share: object) -> TypeGuard[float]:
    """Whether other work took so much that speeds and times say little of the training."""
    return is_figure(share) and share >= LARGE_SHARE


def contention_text(share: object) -> str:
    """For a line of progress, where the share is large; else nothing."""
    return f"other work {share:.0%}" if is_large(share) else ""


def mean_contention(epochs: Iterable[MetricRecord]) -> float | None:
    """The share over the epochs that have one, each weighted by its time; none without any."""
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
