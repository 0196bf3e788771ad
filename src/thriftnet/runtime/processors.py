"""The number of usable CPU cores."""

from __future__ import annotations

import os


def processors() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
