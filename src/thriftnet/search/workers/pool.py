"""Supervises worker processes: releases the jobs of dead ones and starts new ones.

Workers are started once for all stages, as starting a process takes seconds.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thriftnet.errors import SearchError
from thriftnet.search.queue.jobs import MOST_DEATHS, Job, JobRow, new_worker
from thriftnet.search.stages.order import Stage
from thriftnet.search.study import Study
from thriftnet.search.workers.machine import KILLED

STORAGE_VARIABLE = "THRIFTNET_SEARCH_STORAGE"
"""Passes the address of the storage to workers; a command line would reveal its password."""
OUT_OF_MEMORY = "out of memory"
"""Last line of a worker that runs out of memory."""
_CRASHES = {
    getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")
    if hasattr(signal, name)
}
"""Signals of a crash. Others come from outside: a preempted machine may send any, as SIGUSR1."""
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 120.0
"""Time for a worker to finish its step and write its checkpoint."""
_BARREN_DEATHS = 5
"""Consecutive deaths of workers without a job after which the search stops."""
_MOST_KILLS = 20
"""Kills from outside at the same point of a job after which the search stops."""


@dataclass(frozen=True)
class WorkerSpec:
    """Specification of a worker process."""

    name: str
    """Unique across machines."""
    arguments: list[str]
    """Arguments of `python -m thriftnet.search.workers.worker`, without the parent's process id."""
    environment: dict[str, str]
    log: Path
    """File for its output."""


@dataclass(frozen=True)
class ExitStatus:
    """How a worker ended."""

    code: int | None
    """Exit code, or minus the signal that killed it. None: contact was lost and it may be alive."""
    line: str
    """Last line of its output, or what is known about its end."""
    out_of_memory: bool = False
    """Whether the system killed it for lack of memory."""

    @property
    def fault(self) -> str | None:
        """Cause that may be due to the job; None if the worker was killed from outside."""
        if self.out_of_memory or OUT_OF_MEMORY in self.line:
            return OUT_OF_MEMORY
        if self.code is None or (self.code < 0 and -self.code not in _CRASHES):
            return None
        return f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


class Worker(Protocol):
    """A worker process on this or another machine."""

    @property
    def name(self) -> str:
        """Name from the specification."""
        ...

    def exit_status(self) -> ExitStatus | None:
        """Exit status; None while it runs."""
        ...

    def ask_to_stop(self) -> None:
        """Request that it finishes its step, writes its checkpoint and releases its job."""
        ...

    def kill(self) -> None:
        """Kill it and wait for its end."""
        ...


class WorkerPool(Protocol):
    """A place where workers run."""

    def count(self) -> int:
        """Number of concurrent workers.

        Raises:
            SearchError: The machines cannot be reached, or are too small.
        """
        ...

    def start(self, spec: WorkerSpec) -> Worker:
        """Start a worker.

        Raises:
            SearchError: It cannot be started.
        """
        ...

    def close(self) -> None:
        """Release the machines."""
        ...


class Supervisor:
    """The workers of one command.

    Args:
        study: The study.
        stages: Stages that the command runs, in order.
        pool: Where workers run.
        url: Address of the storage; None: the file in the study folder.
        data: Replaces the space's data set.
        say: Called when workers die.
    """

    def __init__(
        self,
        study: Study,
        stages: Sequence[Stage],
        *,
        pool: WorkerPool,
        url: str | None,
        data: Path | None,
        say: Callable[[str], None],
    ) -> None:
        self._study = study
        self._stages = stages
        self._pool = pool
        self._url = url
        self._data = data
        self._say = say
        self._workers: list[Worker] = []
        self._kills: Counter[tuple[Job, str]] = Counter()

    def run(self, stage: Stage, *, stopping: Callable[[], bool], poll: Callable[[], bool]) -> bool:
        """Supervise the workers until the jobs of a stage are over.

        Args:
            stage: The stage; all earlier ones are done.
            stopping: Whether the user requested a stop.
            poll: Called a few times per second; whether all jobs of the stage are over.

        Returns:
            Whether they are. Workers keep running: they wait for the stage's outcome and continue
            with the next.

        Raises:
            SearchError: A worker reported a user's error.
        """
        barren = 0
        while len(self._workers) < self._pool.count():
            self._start(stage)
        while self._workers and not stopping():
            time.sleep(_LOOK_SECONDS)
            for worker in list(self._workers):
                exit_status = worker.exit_status()
                if exit_status is None:
                    continue
                self._workers.remove(worker)
                if exit_status.code == 2:
                    log = self._study.log_path(worker.name)
                    unsaid = f"a worker failed and could not write why to {log}; is its disk full?"
                    raise SearchError(exit_status.line or unsaid)
                if exit_status.code == 0:
                    continue
                if exit_status.code == 130:  # it released its job, so that another can take it
                    self._say("a worker was stopped from outside; starting another one")
                else:
                    held = self._report_death(worker, exit_status)
                    barren = 0 if held else barren + 1
                    if barren > _BARREN_DEATHS:
                        log = self._study.log_path(worker.name)
                        raise SearchError(f"workers exit before they train anything; see {log}")
                if not stopping():
                    self._start(stage)
            if poll():
                return True
        return False

    def close(self) -> None:
        """Stop all workers; each releases its job."""
        _stop(self._study, self._workers)

    def _start(self, stage: Stage) -> None:
        """Start a worker, beginning with a stage."""
        name = new_worker()
        left = self._stages[self._stages.index(stage) :]
        arguments = [str(self._study.path.resolve()), *(each.name for each in left)]
        arguments += ["--worker", name, "--heartbeat", str(self._study.storage.heartbeat)]
        arguments += ["--data", str(self._data.resolve())] if self._data is not None else []
        environment = {"OMP_NUM_THREADS": str(self._study.threads)}
        environment |= {} if self._url is None else {STORAGE_VARIABLE: self._url}
        log = self._study.log_path(name).resolve()
        self._workers.append(self._pool.start(WorkerSpec(name, arguments, environment, log)))

    def _report_death(self, worker: Worker, exit_status: ExitStatus) -> bool:
        """Release the job of a dead worker and report it.

        Returns:
            Whether it held a job, or may have.

        Raises:
            SearchError: Workers of its job are killed repeatedly without progress.
        """
        if exit_status.code is None:  # it may live, and two processes must not share a trial
            self._say(
                f"a worker was lost ({exit_status.line}); its job is retried when its lease ends"
            )
            return True
        reached, fault = self._study.reached, exit_status.fault
        held = self._study.storage.release_dead(worker.name, fault=fault, reached=reached)
        fates = [f"its trial {row.job.candidate} {_fate(row, fault)}" for row in held]
        code, why = exit_status.code, exit_status.line
        doubt = "; out of memory?" if code == -KILLED and not fault else ""
        how = f"was killed (signal {-code}{doubt})" if code < 0 else f"failed (code {code})"
        outcome = ", ".join(fates) or "it held no trial"
        self._say(f"a worker {how}{': ' + why if why else ''}; {outcome}")
        if fault is None:
            self._check_kills([row.job for row in held])
        return bool(held)

    def _check_kills(self, held: Sequence[Job]) -> None:
        for job in held:
            at = self._study.reached(job)
            self._kills[job, at] += 1
            if self._kills[job, at] == _MOST_KILLS:
                raise SearchError(
                    f"{_MOST_KILLS} workers of the trial {job.candidate} were killed {at}; see "
                    "what kills them (memory: fewer --workers leave more for each), and run the "
                    "same command again: finished trials are kept"
                )


def _fate(row: JobRow, fault: str | None) -> str:
    if row.state == "failed":
        return f"has failed ({row.reason}); --retry tries again"
    counted = f" ({fault}, {row.deaths} of {MOST_DEATHS})" if fault else ""
    return f"is retried{counted}"


def _stop(study: Study, workers: list[Worker]) -> None:
    """Stop every worker and wait for its checkpoint."""
    try:
        for worker in workers:
            worker.ask_to_stop()
        deadline = time.monotonic() + _STOP_SECONDS
        while (
            any(worker.exit_status() is None for worker in workers) and time.monotonic() < deadline
        ):
            time.sleep(_LOOK_SECONDS / 4)
    finally:  # also at a second Ctrl-C
        for worker in workers:
            if worker.exit_status() is None:
                worker.kill()
                with contextlib.suppress(SearchError):
                    study.storage.release_dead(worker.name)
