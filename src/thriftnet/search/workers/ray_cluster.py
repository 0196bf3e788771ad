"""Workers on a Ray cluster, controlled through a separate process (see ray_driver.py)."""

from __future__ import annotations

import contextlib
import json
import platform
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.extras import require
from thriftnet.search.workers.pool import ExitStatus, WorkerSpec

DRIVER = (sys.executable, "-m", "thriftnet.search.workers.ray_driver")
"""Command of the driver process; the address follows."""
REACH_SECONDS = 60.0
"""Timeout for a cluster to answer."""
START_SECONDS = 600.0
"""Timeout for starting a local cluster; on a busy machine Ray has taken over three minutes."""
_CLOSE_SECONDS = 150.0
_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class ClusterNode:
    """A machine of a cluster."""

    name: str
    cores: int
    gpus: int


@dataclass
class RayWorker:
    """A worker process controlled by a Ray actor."""

    name: str
    pool: RayPool

    def exit_status(self) -> ExitStatus | None:
        """Exit status; None while it runs or is queued."""
        return self.pool.exit_status(self.name)

    def ask_to_stop(self) -> None:
        """Request that it finishes its step and stops."""
        self.pool.send(stop=self.name)

    def kill(self) -> None:
        """Kill it and its actor."""
        self.pool.send(kill=self.name)
        deadline = time.monotonic() + _KILL_SECONDS
        while self.exit_status() is None and time.monotonic() < deadline:
            time.sleep(0.1)


class RayPool:
    """Workers on a cluster, each with CPU cores and, if available, a GPU or a share of one.

    Args:
        address: `local` starts a cluster on this machine, `auto` finds a running one;
            `ray://host:port` or `host:port` connect to one.
        workers: Number of workers; None: one per GPU, or without GPUs by CPU cores.
        threads: CPU cores per worker.
        use_gpus: Whether trials use GPUs.
        shared: Whether several machines can share the storage.

    Raises:
        SearchError: The address is invalid, or Ray is not installed.
    """

    def __init__(
        self,
        address: str,
        *,
        workers: int | None,
        threads: int = 1,
        use_gpus: bool = True,
        shared: bool,
    ) -> None:
        if not re.fullmatch(r"auto|local|(ray://)?(\[[\da-fA-F:]+\]|[\w.-]+):\d+", address):
            raise SearchError(
                f"--cluster {address!r} is not a cluster address; use auto, local, "
                "ray://host:10001 or host:port"
            )
        require("--cluster needs", "ray", extra="cluster", error=SearchError)
        self._address = address
        self._workers = workers
        self._threads = threads
        self._use_gpus = use_gpus
        self._shared = shared
        self._process: subprocess.Popen[str] | None = None
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._exit_statuses: dict[str, ExitStatus] = {}
        self._machines: list[ClusterNode] = []

    def count(self) -> int:
        """Number of workers; connects to the cluster on the first call.

        Raises:
            SearchError: It cannot be reached, has too few cores, or has several machines without a
                shared storage.
        """
        if self._process is None:
            self._reach()
        return self._workers or sum(m.gpus or m.cores // self._threads for m in self._used)

    def start(self, spec: WorkerSpec) -> RayWorker:
        """Start a worker as soon as the cluster has resources.

        Raises:
            SearchError: The cluster is gone.
        """
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        gpus = gpu_share([machine.gpus for machine in self._used], self.count())
        what = {"name": spec.name, "cpus": self._threads, "gpus": gpus, "log": str(spec.log)}
        self.send(start={**what, "environment": spec.environment, "arguments": spec.arguments})
        return RayWorker(spec.name, self)

    def exit_status(self, name: str) -> ExitStatus | None:
        """Exit status of a worker.

        Raises:
            SearchError: The cluster is gone.
        """
        while not self._lines.empty():
            self._take(self._lines.get())
        return self._exit_statuses.get(name)

    def send(self, **what: Any) -> None:
        """Send a command to the driver process; lost if that has ended."""
        assert self._process
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """Stop all workers, and the cluster if it was started here."""
        if self._process is None:
            return
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_CLOSE_SECONDS)
        finally:  # also at a second Ctrl-C
            self._process.kill()
            self._process.wait()
            self._listener.join()

    def _reach(self) -> None:
        self._process = subprocess.Popen(
            [*DRIVER, self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C goes to the command, which then stops the workers
        )
        self._listener.start()
        seconds = START_SECONDS if self._address == "local" else REACH_SECONDS
        try:
            first: dict[str, Any] = self._lines.get(timeout=seconds)
        except queue.Empty:
            first = {"failed": f"no answer for {seconds:g} s"}
            self._process.kill()
        if "machines" not in first:
            if self._address == "local":
                what = "Ray does not start on this machine"
                remedy = "end other programs, or leave out --cluster"
            else:
                what = f"no Ray cluster found at {self._address}"
                remedy = "start one with `ray start --head`, or use --cluster local"
            raise SearchError(f"{what} ({first['failed']}); {remedy}")
        self._machines = [ClusterNode(*each) for each in first["machines"]]
        self._check([machine.name for machine in self._machines])

    @property
    def _used(self) -> list[ClusterNode]:
        """The machines for workers: those with GPUs if trials use them."""
        with_gpus = [machine for machine in self._machines if machine.gpus and self._use_gpus]
        return with_gpus or [replace(machine, gpus=0) for machine in self._machines]

    def _check(self, machines: list[str]) -> None:
        if not self._shared and machines != [platform.node()]:
            raise SearchError(
                f"the cluster is {', '.join(machines[:4])}, and a storage in a file is for one "
                "machine only; use --storage postgresql://host/name and a shared --study folder"
            )
        wanted, cores = self._workers or 1, [machine.cores for machine in self._used]
        if sum(own // self._threads for own in cores) < wanted:
            each = f"{self._threads} core{'s' if self._threads > 1 else ''}"
            raise SearchError(
                f"the cluster has {sum(cores)} processor cores for {wanted} workers of {each} "
                "each; lower --workers, or add machines"
            )

    def _listen(self) -> None:
        assert self._process
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))
        self._lines.put({"failed": "the connection to it ended"})

    def _take(self, line: dict[str, Any]) -> None:
        if "failed" in line:
            self._lines.put(line)  # for the next call, too
            raise SearchError(
                f"the Ray cluster at {self._address} is gone ({line['failed']}); start it again "
                "and run the same command again: finished trials are kept"
            )
        self._exit_statuses[line["ended"]] = ExitStatus(
            line["code"], line["line"], line["out_of_memory"]
        )


def gpu_share(gpus: Sequence[int], workers: int) -> float:
    """GPU resources per worker: a whole GPU, or a share such that all fit.

    Args:
        gpus: Number of GPUs per machine.
        workers: Number of workers.
    """
    if not sum(gpus):
        return 0.0
    each = -(-workers // sum(gpus))  # workers on one GPU
    return 1 / each if each > 1 else 1.0
