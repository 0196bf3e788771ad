"""Retries calls while a database is temporarily unavailable."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from thriftnet.search.queue.faults import StorageUnavailableError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two attempts."""


class _Waiting(Protocol):
    lease: float
    """Longest wait in seconds."""
    wait_until_available: bool
    """Whether to wait for the first answer, as the database is known to exist."""


_S = TypeVar("_S", bound=_Waiting)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def retry_while_unavailable(
    method: Callable[Concatenate[_S, _P], _T],
) -> Callable[Concatenate[_S, _P], _T]:
    """Repeat a call while the database is unavailable, at most for the duration of a lease.

    Each call is an idempotent transaction, as only the answer may have been lost. There is no retry
    if the database never answered, as its address may be wrong, unless `wait_until_available`.
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
