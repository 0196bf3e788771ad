"""Clocks that other work on the machine does not move."""

from __future__ import annotations

import time

import pytest


class Clock:
    """Stands still unless it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def still_clock(patch: pytest.MonkeyPatch) -> Clock:
    """In place of `time.monotonic`."""
    clock = Clock()
    patch.setattr(time, "monotonic", clock.monotonic)
    return clock


def processor_clock(patch: pytest.MonkeyPatch) -> None:
    """Count what this process takes of a processor, and not what others do meanwhile."""
    patch.setattr(time, "monotonic", time.process_time)
