"""Waits for what another thread or process does, for as long as a busy machine takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 600
"""A safety net for what hangs: on a busy machine, what takes a second has taken a minute."""


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as a condition holds; fail if it never does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
