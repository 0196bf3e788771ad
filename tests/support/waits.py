"""Waits for what another thread or process does, for as long as a busy machine takes."""

from __future__ import annotations

import time
from collections.abc import Callable

_PATIENCE_SECONDS = 300


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as a condition holds; fail if it never does."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
