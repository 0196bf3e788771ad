"""Times a call in several ways, in turns: what else the machine does slows down all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from thriftnet.kernels import norm_act, winograd

Way = Callable[[], AbstractContextManager[object]]


def in_turns(call: Callable[[], object], ways: Mapping[str, Way], *, rounds: int) -> dict[str, Any]:
    """Time a call in each way, after one in each that warms up.

    Args:
        call: What is timed.
        ways: A context by name, entered around each call.
        rounds: Timed calls in each way.

    Returns:
        `seconds`, the medians by name, and `every_seconds`, in the order of the rounds.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, taken in times.items():
            with ways[name]():
                began = time.perf_counter()
                call()
                took = time.perf_counter() - began
            if number:
                taken.append(took)
    return {
        "seconds": {name: statistics.median(taken) for name, taken in times.items()},
        "every_seconds": times,
    }


@contextmanager
def without_kernels(*, convolutions: bool = True, fused: bool = True) -> Generator[None]:
    """Compute by PyTorch's operators what the compiled kernels would."""
    with ExitStack() as stack:
        if convolutions:
            stack.enter_context(patch.object(winograd, "gains", return_value=False))
        if fused:
            stack.enter_context(patch.object(norm_act, "_compiled_for", return_value=False))
        yield


KERNELS: dict[str, Way] = {
    "pytorch": without_kernels,
    "winograd": lambda: without_kernels(convolutions=False),
    "fused": nullcontext,
}
"""PyTorch's operators; our convolutions; and our pooling, norm and activation too."""
