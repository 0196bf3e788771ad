"""How much of the processor time that a training asks for goes to other work.

A thread that is ready and does not run waits in the kernel's queue, and the kernel counts how long
(`/proc/self/task/*/schedstat`). One that waits for the disk or for another thread is not ready and
is not counted. Threads of this process that keep each other waiting are no other work: so the share
is at most what other processes ran meanwhile on the same processors (`/proc/stat`). Where the
kernel counts neither, as on macOS and Windows, nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")
_LEAST_SECONDS = 0.5
"""Of processor time: the kernel counts that of other processes in hundredths of a second."""
_RECENT_SECONDS = 1.0
"""Between two readings of the counters while a training goes on."""


@dataclass(frozen=True)
class ProcessorTimes:
    """Counters of the kernel, in seconds since some moment in the past."""

    ran: float
    """By all threads of this process together."""
    waited: Mapping[str, float]
    """By each living thread of this process: how long it was ready and did not run."""
    busy: float
    """By all processes, on the processors that this one may use."""
    stolen: float
    """From this machine by others that share its hardware, on these processors."""
    held: float
    """In which a quota kept this process's control group from running."""


def read_processor_times() -> ProcessorTimes | None:
    """What the kernel has counted so far; none where it does not count."""
    try:
        waited = dict(_waited())
        busy, stolen = _used()
        return ProcessorTimes(time.process_time(), waited, busy, stolen, _held())
    except (OSError, ValueError, AttributeError):
        return None


class ContentionMeter:
    """Measures the share of processor time that other work took since `start`.

    Args:
        read: Tells the counters; replaced in tests.
    """

    def __init__(self, read: Callable[[], ProcessorTimes | None] = read_processor_times) -> None:
        self._read = read
        self._before: ProcessorTimes | None = None
        self._latest: float | None = None
        self._read_at = 0.0

    def start(self) -> None:
        """Measure from now on."""
        self._before = self._read()
        self._latest, self._read_at = None, time.monotonic()

    def latest(self) -> float | None:
        """As `share`, up to a second ago: it may be asked for after every step."""
        if time.monotonic() - self._read_at >= _RECENT_SECONDS:
            self._latest, self._read_at = self.share(), time.monotonic()
        return self._latest

    def share(self) -> float | None:
        """What other work took, of all that this process's threads were ready to use.

        Returns:
            In [0, 1); none where that is not known, or too little was used to tell.
        """
        before, now = self._before, self._read()
        if before is None or now is None:
            return None
        ran, busy = now.ran - before.ran, now.busy - before.busy
        stolen = now.stolen - before.stolen
        waited = sum(late - before.waited.get(thread, 0) for thread, late in now.waited.items())
        uncounted = busy < ran / 2  # a file that stands still
        if uncounted or now.held - before.held > ran / 100:  # a quota's waiting is nobody's work
            return None
        own = min(1.0, ran / busy) if busy > 0 else 1.0
        taken = min(waited, max(0.0, busy - ran)) + stolen * own
        return taken / (ran + taken) if ran + taken >= _LEAST_SECONDS else None


def _waited() -> Iterator[tuple[str, float]]:
    """Each thread with its seconds in the queue.

    Raises:
        OSError: The kernel does not count them.
    """
    counted = False
    for task in (_PROC / "self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            ran, waited, _ = (task / "schedstat").read_text("ascii").split()
            counted = counted or int(ran) > 0
            yield task.name, int(waited) / 1e9
    if not counted:
        raise OSError("schedstat is not kept")


def _used() -> tuple[float, float]:
    """Seconds that ran, and seconds stolen, on the processors that this process may use."""
    own, tick = os.sched_getaffinity(0), os.sysconf("SC_CLK_TCK")
    busy = stolen = 0
    for line in (_PROC / "stat").read_text("ascii").splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name != "cpu" and int(name[3:]) in own:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, counts[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy / tick, stolen / tick


def _held() -> float:
    """Seconds that quotas of the control groups kept their processes waiting; 0 without one."""
    held = 0.0
    for line in (_PROC / "self/cgroup").read_text("utf-8").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and "cpu" not in kinds.split(","):
            continue
        base = _GROUPS / "cpu" if kinds else _GROUPS
        group = base / path.strip("/")
        # In a container its own group is the root of what is seen.
        for folder in {group, *(each for each in group.parents if each.is_relative_to(base))}:
            with contextlib.suppress(OSError):
                counts = dict(row.split() for row in (folder / "cpu.stat").read_text().splitlines())
                held += int(counts.get("throttled_usec", 0)) / 1e6
                held += int(counts.get("throttled_time", 0)) / 1e9
    return held
