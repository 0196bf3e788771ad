"""A database that is away for a moment is asked again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from thriftnet.search.queue.faults import StorageUnavailableError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two questions."""


class _Waiting(Protocol):
    lease: float
    """Seconds, at most, that are waited for."""
    wait_until_available: bool
    """Whether the database is known to be there, and so is waited for."""


_S = TypeVar("_S", bound=_Waiting)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def retry_while_unavailable(
    method: Callable[Concatenate[_S, _P], _T],
) -> Callable[Concatenate[_S, _P], _T]:
    """Repeat a call while the database is away, for as long as a lease lasts and no longer.

    Each call is one transaction that may be repeated: where the first was written after all and
    only its answer lost, the second finds that out. A database that never answered is not waited
    for, unless `wait_until_available`: its address may be wrong.
    """

    @functools.wraps(method)
    def call(self: _S, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        end, pause = time.monotonic() + self.lease, _FIRST_PAUSE
        while True:
            try:
                found = method(self, *args, **kwargs)
            except StorageUnavailableError:
                if not self.wait_until_available or time.monotonic() + pause > end:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            self.wait_until_available = True
            return found

    return call
