"""How much of the machine this process uses: processor time and memory."""

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
    """What a process used; none where the system does not say."""

    cpu_share: float
    """Of the time of all processors that the process may use, in [0, 1]."""
    memory_bytes: int | None
    """In main memory, at the moment of the reading; its peak on macOS."""
    memory_share: float | None
    """Of the machine's memory, or of what a control group allows."""
    device_memory_bytes: int | None
    """The most that tensors took of an accelerator's memory so far; none on a CPU."""


class UsageMeter:
    """Measures what this process uses from `start` on."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Measure from now on."""
        self._wall, self._ran = time.monotonic(), time.process_time()

    def read(self, device: torch.device) -> Usage:
        """What was used since `start`."""
        wall = (time.monotonic() - self._wall) * processors()
        ran = time.process_time() - self._ran
        memory, most = _memory_bytes(), _memory_limit()
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


def _memory_limit() -> int | None:
    """Bytes that the process may use; none where they are not known."""
    limits: list[int] = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):
        for folder in control_groups("memory"):
            for name in ("memory.max", "memory.limit_in_bytes"):  # of version 2, of version 1
                with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                    limits.append(int((folder / name).read_text("ascii")))
    return min(limits, default=None)
