"""Pillow's warnings held back, in several threads at once."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_held = contextlib.ExitStack()


@contextlib.contextmanager
def silent_pillow() -> Iterator[None]:
    """Keeps Pillow's warnings of bombs and oddities back: the first are refused here.

    The filters of warnings belong to the whole process. The first thread to enter sets them and the
    last to leave restores them: two that each restored what they had found could leave all warnings
    off for good.
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
