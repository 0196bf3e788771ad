"""CPU contention: the share of the CPU time requested by a training that other processes took.

The kernel counts how long each thread was runnable but not running
(`/proc/self/task/*/schedstat`), which excludes waiting for the disk or for other threads. To
exclude threads of this process that delay each other, the share is limited to the time that other
processes ran on the same CPUs (`/proc/stat`). Unknown on systems without these files, such as macOS
and Windows.
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
"""Shortest CPU time measured: `/proc/stat` has a resolution of 10 ms."""
_RECENT_SECONDS = 1.0
"""Seconds between two readings of the counters in `latest`."""


@dataclass(frozen=True)
class ProcessorTimes:
    """Kernel counters, in seconds since an arbitrary time."""

    ran: float
    """CPU time of this process."""
    waited: Mapping[str, float]
    """Per live thread of this process: time runnable but not running."""
    busy: float
    """CPU time of all processes, on the CPUs that this one may use."""
    stolen: float
    """Time stolen by the hypervisor, on these CPUs."""
    held: float
    """Time that this process's control group was throttled by its quota."""


def read_processor_times() -> ProcessorTimes | None:
    """Read the counters; None if the kernel does not provide them."""
    try:
        waited = dict(_waited())
        busy, stolen = _used()
        return ProcessorTimes(time.process_time(), waited, busy, stolen, _held())
    except (OSError, ValueError, AttributeError):
        return None


class ContentionMeter:
    """Measures the CPU contention since `start`.

    Args:
        read: Reads the counters; replaced in tests.
    """

    def __init__(self, read: Callable[[], ProcessorTimes | None] = read_processor_times) -> None:
        self._read = read
        self._before: ProcessorTimes | None = None
        self._latest: float | None = None
        self._read_at = 0.0

    def start(self) -> None:
        """Start measuring."""
        self._before = self._read()
        self._latest, self._read_at = None, time.monotonic()

    def latest(self) -> float | None:
        """`share`, at most a second old; cheap enough to call after every step."""
        if time.monotonic() - self._read_at >= _RECENT_SECONDS:
            self._latest, self._read_at = self.share(), time.monotonic()
        return self._latest

    def share(self) -> float | None:
        """The share of the requested CPU time that other processes took.

        Returns:
            In [0, 1); None if unknown or the measured time is too short.
        """
        before, now = self._before, self._read()
        if before is None or now is None:
            return None
        ran, busy = now.ran - before.ran, now.busy - before.busy
        stolen = now.stolen - before.stolen
        waited = sum(late - before.waited.get(thread, 0) for thread, late in now.waited.items())
        uncounted = busy < ran / 2  # the counters do not advance
        if uncounted or now.held - before.held > ran / 100:  # throttled by a quota, not by others
            return None
        own = min(1.0, ran / busy) if busy > 0 else 1.0
        taken = min(waited, max(0.0, busy - ran)) + stolen * own
        return taken / (ran + taken) if ran + taken >= _LEAST_SECONDS else None


def _waited() -> Iterator[tuple[str, float]]:
    """Each thread with its seconds runnable but not running.

    Raises:
        OSError: The kernel does not count them.
    """
    counted = False
    for task in (_PROC / "self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            ran, waited, _ = (task / "schedstat").read_text("ascii").split()
            counted = counted or int(ran) > 0
            yield task.name, int(waited) / 1e9
    if not counted:
        raise OSError("schedstat is not kept")


def _used() -> tuple[float, float]:
    """Seconds busy and seconds stolen, on the CPUs that this process may use."""
    own, tick = os.sched_getaffinity(0), os.sysconf("SC_CLK_TCK")
    busy = stolen = 0
    for line in (_PROC / "stat").read_text("ascii").splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name != "cpu" and int(name[3:]) in own:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, counts[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy / tick, stolen / tick


def control_groups(kind: str) -> Iterator[Path]:
    """Folders of the control groups that this process is in, for one kind of resource.

    Raises:
        OSError: The system has none.
    """
    for line in (_PROC / "self/cgroup").read_text("utf-8").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and kind not in kinds.split(","):
            continue
        base = _GROUPS / kind if kinds else _GROUPS
        group = base / path.strip("/")
        # In a container its own group is the root of what is seen.
        yield from {group, *(each for each in group.parents if each.is_relative_to(base))}


def _held() -> float:
    """Seconds throttled by quotas of this process's control groups."""
    held = 0.0
    for folder in control_groups("cpu"):
        with contextlib.suppress(OSError):
            counts = dict(row.split() for row in (folder / "cpu.stat").read_text().splitlines())
            held += int(counts.get("throttled_usec", 0)) / 1e6
            held += int(counts.get("throttled_time", 0)) / 1e9
    return held
