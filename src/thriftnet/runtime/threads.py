"""Runs independent pieces of work in threads that synchronise only at the end.

Intra-op threads synchronise after each operation, thousands of times per training step, and a
thread that lost its core to another process delays all. With independent pieces, each worker takes
the next one when it is free, and a slower core does fewer.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_ENOUGH = 8
"""Pieces per thread above which an incomplete last round costs little."""
_caller = threading.local()


def threads_each(pieces: int) -> int:
    """Intra-op threads of each worker for a number of pieces."""
    return _available() // _workers(pieces)


def deal(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Call a function on each item, in workers that share torch's threads evenly.

    Gradient mode is that of the caller. If an item fails, pending ones are cancelled and its
    exception is raised.

    Yields:
        The results, in order of the items.
    """
    workers = _workers(len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    recording = torch.is_grad_enabled()

    def call(item: Item) -> Result:
        with torch.set_grad_enabled(recording):
            return function(item)

    pool = _pool(workers, _available() // workers)
    futures = deque(pool.submit(call, item) for item in items)
    try:
        while futures:
            yield futures.popleft().result()
    finally:
        wait([future for future in futures if not future.cancel()])


@contextmanager
def own_threads(count: int) -> Generator[None]:
    """Limit operations of this thread to `count` threads; `deal` still uses all."""
    outer, before = getattr(_caller, "available", None), torch.get_num_threads()
    _caller.available = outer or before
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _caller.available = outer


def _workers(pieces: int) -> int:
    """Number of workers with equal thread counts such that none is idle for long."""
    threads = _available()
    return threads if pieces >= _ENOUGH * threads else math.gcd(threads, pieces) or 1


def _available() -> int:
    return getattr(_caller, "available", None) or torch.get_num_threads()


@functools.cache
def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """A pool whose workers use `threads` intra-op threads each; lives as long as the process."""
    own = torch.get_num_threads()

    def begin() -> None:
        torch.get_num_threads()  # torch initialises a new thread on first use
        torch.set_num_threads(threads)

    pool = ThreadPoolExecutor(workers, "thriftnet", initializer=begin)
    started = threading.Barrier(workers + 1)
    for _ in range(workers):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(own)  # the last call is the default of new threads
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
