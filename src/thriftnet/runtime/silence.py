"""Suppresses Pillow's warnings, also in several threads at once."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Generator

_lock = threading.Lock()
_inside = 0
_held = contextlib.ExitStack()


@contextlib.contextmanager
def silent_pillow() -> Generator[None]:
    """Suppress Pillow's warnings.

    Pictures that it warns of, such as decompression bombs, are rejected anyway. Warning filters are
    global. The first thread to enter sets them and the last to leave restores them; if each
    restored what it found, warnings could stay off for good.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _held.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _held.close()
