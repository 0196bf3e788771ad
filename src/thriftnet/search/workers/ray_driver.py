"""The driver process for a Ray cluster: `python -m` this module, `ADDRESS`.

Ray prints banners, replaces signal handlers, and may block for minutes or exit if a cluster does
not answer. So it runs in a separate process, which receives commands and sends answers as JSON
lines; all other output goes to standard error. At the end of its input it stops all workers and
exits.

An actor starts and monitors the same worker process as a local search. The actor's class is sent by
value, so that it can report a machine without thriftnet.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 0.2
_STOP_SECONDS = 120.0
_TRIES = 3
"""Attempts to start a local cluster."""
_STORE_BYTES = 80 * 1024**2
"""Ray's object store: unused, so about the minimum."""


class Host:
    """A worker process on a machine of the cluster."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()
        self._memory_kills = 0

    def start(self, spec: Mapping[str, Any]) -> dict[str, str] | str:
        """Start the process; returns its node, or why it failed."""
        import ray

        self._log = Path(spec["log"])
        if not self._log.parent.is_dir():
            folder = self._log.parent.parent
            return f"{folder} is not found on {platform.node()}; share it between the machines"
        try:
            from thriftnet.search.workers.machine import memory_kills, start_worker
        except ImportError:
            return f"thriftnet is not installed on {platform.node()}; install it on every machine"
        self._memory_kills = memory_kills()
        try:
            arguments = [*spec["arguments"], "--tied"]
            self._process = start_worker(arguments, self._log, spec["environment"])
        except OSError as fault:
            return f"no worker can be started on {platform.node()}: {fault}"
        return {"node": ray.get_runtime_context().get_node_id()}

    def poll(self, seconds: float) -> tuple[int, str, bool] | None:
        """Wait for the end of the process.

        Returns:
            Exit code, last line of output, and whether it ran out of memory.
        """
        from thriftnet.search.workers.machine import read_exit

        if self._process is None:
            return (2, "it was never started", False)
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return read_exit(code, self._log, kills_before=self._memory_kills)

    def stop(self) -> None:
        """Request that the worker stops."""
        if self._process is not None:
            self._process.terminate()


class Driver:
    """The started workers and pending requests.

    Args:
        ray: The connected module.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._hosts: dict[str, Any] = {}
        self._questions: dict[Any, str] = {}
        """Worker names by pending answer."""
        self._places: dict[str, str] = {}
        """Node of each worker that has started."""

    def start(self, spec: Mapping[str, Any]) -> None:
        """Start a worker when and where resources are available."""
        room = {"num_cpus": spec["cpus"], "num_gpus": spec["gpus"]}
        kind = self._ray.remote(**room, scheduling_strategy="SPREAD")(Host)
        host = kind.remote()
        self._hosts[spec["name"]] = host
        begun = host.start.remote({k: spec[k] for k in ("log", "environment", "arguments")})
        self._questions[begun] = spec["name"]

    def stop(self, name: str) -> None:
        """Request that a worker stops."""
        if name in self._hosts:
            self._hosts[name].stop.remote()

    def kill(self, name: str) -> None:
        """Kill a worker."""
        if name in self._hosts:
            self._ray.kill(self._hosts[name])

    def working(self) -> list[str]:
        """Names of running workers."""
        return list(self._hosts)

    def ended(self) -> list[dict[str, Any]]:
        """Workers that have ended since the last call; waits briefly for one."""
        if not self._questions:
            time.sleep(_LOOK_SECONDS)
            return []
        ready, _ = self._ray.wait(list(self._questions), timeout=_LOOK_SECONDS)
        found: list[dict[str, Any]] = []
        for answer in ready:
            name = self._questions.pop(answer)
            if name in self._hosts:
                exit_status = self._read(name, answer)
                if exit_status is not None:
                    self._ray.kill(self._hosts.pop(name))  # its cores are free for the next
                    facts = dict(zip(("code", "line", "out_of_memory"), exit_status, strict=True))
                    found.append({"ended": name, **facts})
        return found

    def _read(self, name: str, answer: Any) -> tuple[int | None, str, bool] | None:
        """Exit status from an answer; None for another kind of answer, after the next request."""
        try:
            said = self._ray.get(answer)
        except self._ray.exceptions.ActorUnavailableError:
            said = None  # perhaps the network; ask again
        except self._ray.exceptions.RayActorError as fault:
            return self._lost(name, fault)
        except self._ray.exceptions.RayError as fault:
            return 2, _first_line(fault), False
        if isinstance(said, dict):
            self._places[name] = said["node"]
        if isinstance(said, str):
            return 2, said, False
        if said is None or isinstance(said, dict):
            self._questions[self._hosts[name].poll.remote(1.0)] = name
            return None
        return said

    def _lost(self, name: str, fault: Exception) -> tuple[int | None, str, bool]:
        """The status of a worker whose actor died or became unreachable."""
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        if name not in self._places:
            return -9, f"its Ray actor did not start: {_first_line(fault)}", False
        if self._places[name] in alive:
            # From Ray's memory monitor; for other deaths Ray mentions memory only as a guess.
            starved = "running low on memory" in str(fault).lower()
            return -9, "its Ray actor died", starved
        return None, f"its machine left the cluster: {_first_line(fault)}", False


def _first_line(fault: Exception) -> str:
    return next((line.strip() for line in str(fault).splitlines() if line.strip()), "")[:200]


def connect(address: str, folder: str) -> Any:
    """Connect Ray; `local` starts a cluster on this machine that ends with this process."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address != "local":
        ray.init(address=address, **quiet)
        return ray
    quiet |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    for tries in range(_TRIES):
        try:
            ray.init(address="local", _temp_dir=folder, **quiet)
            break
        except Exception:  # on a busy machine it times out after half a minute
            if tries == _TRIES - 1:
                raise
            ray.shutdown()
    return ray


def main() -> None:
    """Serve the parent process until its input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as channel:
        os.dup2(2, 1)

        def report(**what: Any) -> None:
            channel.write(json.dumps(what) + "\n")

        with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
            try:
                ray = connect(sys.argv[1], folder)
                machines = [
                    (
                        node["NodeManagerHostname"],
                        *(int(node["Resources"].get(kind, 0)) for kind in ("CPU", "GPU")),
                    )
                    for node in ray.nodes()
                    if node["Alive"]
                ]
            except Exception as fault:  # Ray may raise any exception
                report(failed=_first_line(fault))
                return
            report(machines=sorted(machines))
            try:
                _serve(Driver(ray), report)
            finally:
                ray.shutdown()


def _serve(driver: Driver, report: Any) -> None:
    commands: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put(None)

    threading.Thread(target=listen, daemon=True).start()
    deadline: float | None = None
    while deadline is None or (driver.working() and time.monotonic() < deadline):
        while not commands.empty():
            command = commands.get()
            if command is None:
                deadline = time.monotonic() + _STOP_SECONDS
                for name in driver.working():
                    driver.stop(name)
            elif "start" in command:
                driver.start(command["start"])
            elif "stop" in command:
                driver.stop(command["stop"])
            elif "kill" in command:
                driver.kill(command["kill"])
        for exit_status in driver.ended():
            try:
                report(**exit_status)
            except BrokenPipeError:
                continue  # the parent is gone


if __name__ == "__main__":
    main()
