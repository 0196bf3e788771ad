"""Work dealt out in whole pieces to threads that wait for each other only at the end.

Threads that share every operation meet at the end of each, thousands of times a training step, and
a thread that has lost its core to another process keeps all waiting. Where the pieces are
independent, each worker takes the next one as soon as it is free: a slower core takes fewer.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_ENOUGH = 8
"""Rounds of pieces, from which on an incomplete last round costs little."""
_caller = threading.local()


def threads_each(pieces: int) -> int:
    """Threads that each worker has where so many pieces are dealt out."""
    return _available() // _workers(pieces)


def deal(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Call a function on each item, in workers that share torch's threads evenly.

    Whether gradients are recorded is the caller's. Where an item fails, those that have not begun
    are left out and its exception is raised here.

    Yields:
        The results in the order of the items.
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
def own_threads(count: int) -> Iterator[None]:
    """Let operations of this thread use `count` threads; what it deals out still uses all."""
    _caller.available = before = _available()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _caller.available = None


def _workers(pieces: int) -> int:
    """How many share equal pieces so that none is idle for long, with equally many threads each."""
    threads = _available()
    return threads if pieces >= _ENOUGH * threads else math.gcd(threads, pieces) or 1


def _available() -> int:
    return getattr(_caller, "available", None) or torch.get_num_threads()


@functools.cache
def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Workers that compute with so many threads each; they end with the process."""
    own = torch.get_num_threads()

    def begin() -> None:
        torch.get_num_threads()  # torch sets a new thread's number on its first use, once
        torch.set_num_threads(threads)

    pool = ThreadPoolExecutor(workers, "thriftnet", initializer=begin)
    started = threading.Barrier(workers + 1)
    for _ in range(workers):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(own)  # the last call counts for threads that others start
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of the threads
