"""Workers as processes of this machine."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from thriftnet.errors import SearchError
from thriftnet.runtime.usage import memory_limit
from thriftnet.search.workers.machine import memory_kills, read_exit, start_worker
from thriftnet.search.workers.pool import ExitStatus, WorkerSpec

_WORKER_BYTES = 150_000_000
"""Memory of a worker before it trains, at the least: that of PyTorch."""


@dataclass
class LocalWorker:
    """A child of this process."""

    spec: WorkerSpec
    process: subprocess.Popen[bytes]
    gpu: str | None
    """The CUDA device that it sees; None: all."""
    memory_kills: int
    """Out-of-memory kills of the machine when it started."""

    @property
    def name(self) -> str:
        """Name from the specification."""
        return self.spec.name

    def exit_status(self) -> ExitStatus | None:
        """Exit status; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return ExitStatus(*read_exit(code, self.spec.log, kills_before=self.memory_kills))

    def ask_to_stop(self) -> None:
        """Send SIGTERM; it finishes its step and stops."""
        self.process.terminate()

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


class LocalPool:
    """A pool of local worker processes.

    Args:
        count: Number of processes.
        gpus: CUDA devices, as in CUDA_VISIBLE_DEVICES; each worker sees one, possibly shared.

    Raises:
        SearchError: The memory does not hold so many.
    """

    def __init__(self, count: int, *, gpus: Sequence[str] = ()) -> None:
        memory = memory_limit()
        if memory and count * _WORKER_BYTES > memory:
            raise SearchError(
                f"{count:,} workers need more than the {memory / 1e9:,.0f} GB of memory before "
                f"they train; give --workers {max(1, memory // _WORKER_BYTES)} or less"
            )
        self._count = count
        self._gpus = gpus
        self._workers: list[LocalWorker] = []

    def count(self) -> int:
        """Number of workers."""
        return self._count

    def start(self, spec: WorkerSpec) -> LocalWorker:
        """Start a process that writes to its log.

        Raises:
            SearchError: The log cannot be written, or the process cannot be started.
        """
        gpu = self._free_gpu()
        environment = dict(spec.environment)
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        try:
            spec.log.parent.mkdir(parents=True, exist_ok=True)
            process = start_worker(spec.arguments, spec.log, environment)
        except OSError as fault:
            raise SearchError(f"no worker can be started: {fault.strerror}; {spec.log}") from None
        worker = LocalWorker(spec, process, gpu, memory_kills())
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """Nothing to release."""

    def _free_gpu(self) -> str | None:
        """The device with the fewest live workers."""
        self._workers = [each for each in self._workers if each.process.poll() is None]
        taken = Counter(each.gpu for each in self._workers)
        return min(self._gpus, key=lambda gpu: taken[gpu], default=None)
