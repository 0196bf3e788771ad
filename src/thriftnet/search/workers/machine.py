"""Starts worker processes and reads how they ended; GPUs of this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

KILLED = 9
"""The signal SIGKILL, which Windows lacks."""
_EVENTS = Path("/sys/fs/cgroup/memory.events")
_STATISTICS = Path("/proc/vmstat")


def start_worker(
    arguments: list[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a worker as a child process that writes to its log.

    Raises:
        OSError: The log cannot be written, or the process cannot be started.
    """
    command = [sys.executable, "-m", "thriftnet.search.workers.worker", *arguments]
    with log.open("wb") as output:
        # Own session: Ctrl-C reaches only the parent, which then stops each worker.
        return subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The CUDA devices that this process may use, as in CUDA_VISIBLE_DEVICES."""
    import torch

    count = torch.cuda.device_count()  # by the driver's library, without creating a context
    named = environment.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(count)) if named is None else map(str.strip, named.split(","))
    return list(names)[:count]


def read_exit(code: int, log: Path, *, kills_before: int) -> tuple[int, str, bool]:
    """How a worker ended.

    Args:
        code: Its exit code, or minus the signal that killed it.
        log: File of its output.
        kills_before: `memory_kills` when it started.

    Returns:
        The code, the last line of its output, and whether the system killed it for lack of memory.
    """
    line = ""
    with contextlib.suppress(OSError):
        lines = map(str.strip, log.read_text("utf-8", errors="replace").split("\n"))
        line = next((each for each in reversed(list(lines)) if each), "")
    return code, line, code == -KILLED and memory_kills() > kills_before


def memory_kills() -> int:
    """Number of out-of-memory kills on this machine or in this container."""
    for path in (_EVENTS, _STATISTICS):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text("ascii").splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0
