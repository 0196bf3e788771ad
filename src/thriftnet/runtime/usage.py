"""CPU time and memory that this process uses."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from thriftnet.runtime.contention import control_groups
from thriftnet.runtime.processors import processors

_STATM = Path("/proc/self/statm")


@dataclass(frozen=True)
class Usage:
    """What a process used; None where the system does not provide it."""

    cpu_share: float
    """Share of the time of all CPU cores that the process may use, in [0, 1]."""
    memory_bytes: int | None
    """Resident memory now; on macOS its peak."""
    memory_share: float | None
    """Share of the machine's memory, or of the limit of a control group."""
    device_memory_bytes: int | None
    """Peak memory of tensors on a CUDA device; None on others."""


class UsageMeter:
    """Measures the usage of this process since `start`."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start measuring."""
        self._wall, self._ran = time.monotonic(), time.process_time()

    def read(self, device: torch.device) -> Usage:
        """The usage since `start`."""
        wall = (time.monotonic() - self._wall) * processors()
        ran = time.process_time() - self._ran
        memory, most = _memory_bytes(), memory_limit()
        on_gpu = device.type == "cuda"
        return Usage(
            cpu_share=min(1.0, ran / wall) if wall > 0 else 0.0,
            memory_bytes=memory,
            memory_share=memory / most if memory is not None and most else None,
            device_memory_bytes=torch.cuda.max_memory_allocated(device) if on_gpu else None,
        )


def _memory_bytes() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def memory_limit() -> int | None:
    """Bytes that the process may use; None if unknown."""
    limits: list[int] = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):
        for folder in control_groups("memory"):
            for name in ("memory.max", "memory.limit_in_bytes"):  # of version 2, of version 1
                with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                    limits.append(int((folder / name).read_text("ascii")))
    return min(limits, default=None)
