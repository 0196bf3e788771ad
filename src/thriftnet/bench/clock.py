"""Timing of calls that take milliseconds to seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_seconds(call: Callable[[], object], *, seconds: float, least: int = 3) -> float:
    """The median duration of a call, repeated for about `seconds` after one that warms up.

    Args:
        call: What to time.
        seconds: Duration of the measurement.
        least: Minimum number of timed calls.
    """
    call()
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < deadline:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
