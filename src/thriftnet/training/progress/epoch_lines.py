"""Chooses the epochs that are printed where epochs are short; the metrics have all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from thriftnet.runs.metrics_log import MetricRecord

_PAUSE = 1.0
"""Seconds between two lines."""


class EpochLines:
    """Shows the first epoch, then at most one per second, and at the end the best and the last.

    Args:
        show: Called with the record of an epoch, and what to add to its line.
    """

    def __init__(self, show: Callable[[MetricRecord, str], None]) -> None:
        self._show = show
        self._due = -math.inf
        self._accuracy = -math.inf
        self._best: MetricRecord | None = None
        self._last: MetricRecord | None = None
        """The best epoch and the last one, if they were left out."""

    def add(self, record: MetricRecord) -> None:
        """Show the record of an epoch, or leave it out."""
        shown, accuracy = time.monotonic() >= self._due, record.get("val_accuracy")
        if accuracy is not None and accuracy > self._accuracy:
            self._accuracy, self._best = accuracy, None if shown else record
        self._last = None if shown else record
        if shown:
            self._show(record, "")
            self._due = time.monotonic() + _PAUSE

    def end(self) -> None:
        """Show the best epoch and the last one, if they were left out."""
        best, last = self._best, self._last
        self._best = self._last = None
        if best is not None:
            self._show(best, "  best")
        if last is not None and last is not best:
            self._show(last, "")
