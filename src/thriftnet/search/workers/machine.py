"""What a machine offers the workers of a search, and what its kernel says of memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_EVENTS = Path("/sys/fs/cgroup/memory.events")
_STATISTICS = Path("/proc/vmstat")


def start_worker(
    arguments: list[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a worker process whose output goes to its log, as a child of this process.

    Raises:
        OSError: The log cannot be written, or no process can be had.
    """
    command = [sys.executable, "-m", "thriftnet.search.workers.worker", *arguments]
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the parent alone, which then asks each once.
        return subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The CUDA devices that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()  # by the driver's library: no context is made
    named = environment.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(count)) if named is None else map(str.strip, named.split(","))
    return list(names)[:count]


def memory_kills() -> int:
    """How many processes the kernel has killed for want of memory, here or in this container."""
    for path in (_EVENTS, _STATISTICS):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text("ascii").splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0
