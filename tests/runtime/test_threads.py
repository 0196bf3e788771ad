"""Work dealt out to threads: order, threads of each worker, failures, and what the caller keeps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from thriftnet.runtime.threads import deal, own_threads, threads_each
from waits import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_whatever_takes_longest() -> None:
    others = threading.Event()

    def slow_first(number: int) -> int:
        assert number or others.wait(60)
        if number == 7:
            others.set()
        return number**2

    assert list(deal(slow_first, range(8))) == [number**2 for number in range(8)]


@pytest.mark.parametrize(("pieces", "each"), [(1, 4), (2, 2), (3, 4), (4, 1), (6, 2), (32, 1)])
def test_workers_share_the_threads_evenly(pieces: int, each: int) -> None:
    assert threads_each(pieces) == each
    seen = list(deal(lambda _: (torch.get_num_threads(), threading.get_ident()), range(pieces)))
    assert {threads for threads, _ in seen} == {each}
    assert len({worker for _, worker in seen}) <= 4 // each
    assert torch.get_num_threads() == 4


def test_own_threads_leave_all_to_what_is_dealt() -> None:
    with own_threads(1):
        assert torch.get_num_threads() == 1
        assert list(deal(lambda _: torch.get_num_threads(), range(2))) == [2, 2]
    assert torch.get_num_threads() == 4
    assert list(deal(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    with own_threads(3):
        with own_threads(1):
            assert threads_each(1) == 4
        assert (torch.get_num_threads(), threads_each(1)) == (3, 4)


def test_a_threads_own_number_holds_in_operations() -> None:
    # torch sets a new thread's number in its first parallel operation; that must not undo ours.
    x = torch.ones(1 << 20)
    sums = deal(lambda _: (float((x * 2).sum()), torch.get_num_threads()), range(4))
    assert list(sums) == [(2.0 * (1 << 20), 1)] * 4


def test_whether_gradients_are_recorded_is_the_callers() -> None:
    weight = torch.ones(2, requires_grad=True)
    assert all(deal(lambda _: (weight * 2).requires_grad, range(4)))
    with torch.no_grad():
        assert not any(deal(lambda _: (weight * 2).requires_grad, range(4)))


def test_a_failure_is_the_callers_and_nothing_goes_on_after_it() -> None:
    running, begun = [0], [0]

    def fail(number: int) -> None:
        begun[0] += 1
        running[0] += 1
        try:
            time.sleep(0.01)
            if number == 0:
                raise MemoryError("no room")
        finally:
            running[0] -= 1

    with pytest.raises(MemoryError, match="no room"):
        list(deal(fail, range(2000)))
    assert running[0] == 0
    assert begun[0] < 2000


def test_dealing_inside_a_worker_and_after_a_fork() -> None:
    nested = deal(lambda number: sum(deal(lambda other: number * other, range(4))), range(4))
    assert list(nested) == [0, 6, 12, 18]
    code = """
import os, torch
from thriftnet.runtime.threads import deal
torch.set_num_threads(2)
list(deal(abs, range(2)))
child = os.fork()
if not child:
    os._exit(sum(deal(abs, range(4))))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    if hasattr(os, "fork"):
        command = [sys.executable, "-W", "ignore", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
