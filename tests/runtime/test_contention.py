"""The share of CPU time that other work took: by made-up counters, and by the kernel's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from thriftnet.runtime import contention
from thriftnet.runtime.contention import ContentionMeter, ProcessorTimes, read_processor_times

START = ProcessorTimes(ran=7.0, waited={"1": 3.0, "2": 5.0}, busy=900.0, stolen=2.0, held=1.0)


def later(
    *, ran: float, waited: dict[str, float], others: float, stolen: float = 0, held: float = 0
) -> ProcessorTimes:
    """Counters after START, from what happened in between."""
    return ProcessorTimes(
        ran=START.ran + ran,
        waited={name: START.waited.get(name, 0) + more for name, more in waited.items()},
        busy=START.busy + ran + others,
        stolen=START.stolen + stolen,
        held=START.held + held,
    )


def share(now: ProcessorTimes | None, before: ProcessorTimes | None = START) -> float | None:
    readings: Iterator[ProcessorTimes | None] = iter([before, now])
    meter = ContentionMeter(lambda: next(readings))
    meter.start()
    return meter.share()


# Ten seconds on two processors each.
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(later(ran=20, waited={"1": 0, "2": 0}, others=0), 0, id="alone"),
        pytest.param(
            later(ran=40 / 3, waited={"1": 10 / 3, "2": 10 / 3}, others=20 / 3),
            1 / 3,
            id="two threads beside one process",
        ),
        pytest.param(
            later(ran=10, waited={"1": 0, "2": 0}, others=10), 0, id="each on a core of its own"
        ),
        pytest.param(
            later(ran=20, waited={"1": 10, "2": 10, "3": 10, "4": 10}, others=0.1),
            0.005,
            id="more threads than cores",
        ),
        pytest.param(
            later(ran=2, waited={"1": 0.01}, others=18), 0.01 / 2.01, id="waiting for the disk"
        ),
        pytest.param(
            later(ran=5, waited={"1": 1, "9": 4}, others=6), 0.5, id="a thread that is new"
        ),
        pytest.param(
            later(ran=5, waited={}, others=0, stolen=5), 0.5, id="another machine on the hardware"
        ),
        pytest.param(
            later(ran=5, waited={}, others=15, stolen=4), 1 / 6, id="stolen from all that run"
        ),
        pytest.param(later(ran=0.1, waited={"1": 0.3}, others=0.3), None, id="too short to tell"),
        pytest.param(
            later(ran=5, waited={"1": 5}, others=8, held=5), None, id="held back by a quota"
        ),
        pytest.param(
            ProcessorTimes(ran=17, waited={"1": 9}, busy=900, stolen=2, held=1),
            None,
            id="a count that stands still",
        ),
        pytest.param(None, None, id="no counters"),
    ],
)
def test_share_of_other_work(now: ProcessorTimes | None, expected: float | None) -> None:
    assert share(now) == (None if expected is None else pytest.approx(expected, abs=1e-3))


def test_nothing_is_said_without_a_start_or_counters() -> None:
    assert ContentionMeter().share() is None
    assert share(later(ran=20, waited={}, others=20), before=None) is None


@pytest.mark.parametrize(
    "schedstat", [None, "0 0 0\n", "1 2\n", "a b c\n"], ids=["none", "zeros", "short", "words"]
)
def test_a_system_that_does_not_count_says_nothing(
    schedstat: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = tmp_path / "self/task/1"
    task.mkdir(parents=True)
    (tmp_path / "stat").write_text("cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    (tmp_path / "self/cgroup").write_text("0::/\n")
    if schedstat is not None:
        (task / "schedstat").write_text(schedstat)
    monkeypatch.setattr(contention, "_PROC", tmp_path)
    assert read_processor_times() is None
    monkeypatch.setattr(contention, "_PROC", tmp_path / "absent")
    assert read_processor_times() is None


def test_a_quota_of_any_group_around_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self/cgroup").write_text("4:memory:/m\n3:cpu,cpuacct:/job\n0::/user/mine\n")
    for folder, line in (
        (groups / "user/mine", "throttled_usec 1500000"),
        (groups / "user", "throttled_usec 500000"),
        (groups / "cpu/job", "throttled_time 3000000000"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.stat").write_text(f"nr_periods 7\n{line}\n")
    monkeypatch.setattr(contention, "_PROC", proc)
    monkeypatch.setattr(contention, "_GROUPS", groups)
    assert contention._held() == pytest.approx(5.0)


def _measured() -> tuple[ProcessorTimes | None, float | None, ProcessorTimes | None]:
    """The share of others while this process asks for 0.4 s, between two readings."""
    meter, before = ContentionMeter(), read_processor_times()
    meter.start()
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass
    return before, meter.share(), read_processor_times()


def test_a_busy_process_on_every_core_is_noticed() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    code = "print(flush=True)\nwhile True: pass"
    busy = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(cores)
    ]
    try:
        for process in busy:  # until all have begun
            assert process.stdout
            process.stdout.readline()
        before, found, after = _measured()
        if found is None:  # counters that lag once are no reason to fail
            before, found, after = _measured()
    finally:
        for process in busy:
            process.kill()
            process.communicate()
    if before is None or after is None or after.held > before.held:  # not counted, or a quota
        assert found is None or found > 0
    else:
        assert found is not None
        assert found > 0.2  # about a half


def test_waiting_is_no_work() -> None:
    def share() -> float | None:
        meter = ContentionMeter()
        meter.start()
        time.sleep(0.05)
        return meter.share()

    # What wakes up on a busy machine may wait for a processor by itself, but not each time.
    assert any(share() is None for _ in range(20))
