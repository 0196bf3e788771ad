"""Worker processes on this machine, watched: a dead one's job is given up and another started."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thriftnet.errors import SearchError
from thriftnet.search.stages import Stage
from thriftnet.search.study import Study

STORAGE_VARIABLE = "THRIFTNET_SEARCH_STORAGE"
"""Hands a worker the address of its storage: a command line would show its password to all."""
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 120.0
"""How long a worker may take to end its step and write its checkpoint."""


_BARREN_DEATHS = 5
"""Deaths in a row of workers without a job, after which starting more is no use."""


@dataclass
class _Worker:
    name: str
    process: subprocess.Popen[bytes]


def run_workers(
    study: Study,
    stage: Stage,
    *,
    count: int,
    url: str | None,
    data: Path | None,
    stopping: Callable[[], bool],
    look: Callable[[], None],
    say: Callable[[str], None],
) -> bool:
    """Run a stage's jobs in so many processes.

    Args:
        study: Whose.
        stage: With all stages before it done.
        count: Workers at once; each gets an equal share of the processor's threads.
        url: Of the storage; none: the file in the study folder.
        data: Where to read CIFAR-10; none: the cache.
        stopping: Whether the user has asked to stop.
        look: Called a few times a second.
        say: Told of workers that died.

    Returns:
        Whether the stage is done; if not, every worker has given its job back.

    Raises:
        SearchError: A worker met a mistake that the user has to mend; its line.
    """
    workers = [_start(study, stage, at, count, url, data) for at in range(count)]
    barren, done = 0, False
    try:
        while workers and not stopping():
            time.sleep(_LOOK_SECONDS)
            for at, worker in enumerate(list(workers)):
                code = worker.process.poll()
                if code is None:
                    continue
                workers.remove(worker)
                done = done or code == 0
                if code == 2:
                    raise SearchError(_last_line(study, worker) or "a worker failed")
                if code not in (0, 130):
                    barren = 0 if _tell_death(study, worker, code, say) else barren + 1
                    if barren > _BARREN_DEATHS:
                        log = study.log_path(worker.name)
                        raise SearchError(f"no worker lives long enough to train; see {log}")
                    workers.append(_start(study, stage, at, count, url, data))
            look()
        return done
    finally:
        _stop(study, workers)


def _start(
    study: Study, stage: Stage, at: int, count: int, url: str | None, data: Path | None
) -> _Worker:
    # No other process has this name, on any machine.
    name = f"{platform.node()}-{os.getpid()}-{at}-{uuid.uuid4().hex[:6]}"
    environment = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count)), **os.environ}
    if url is not None:
        environment[STORAGE_VARIABLE] = url
    command = [sys.executable, "-m", "thriftnet.search.worker", str(study.path), stage.name]
    command += ["--worker", name, "--parent", str(os.getpid())]
    command += ["--heartbeat", str(study.storage.heartbeat)]
    command += ["--data", str(data)] if data is not None else []
    log = study.log_path(name)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            # A session of its own: Ctrl-C reaches the parent alone, which then asks each once.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
    except OSError as fault:
        raise SearchError(f"no worker can be started: {fault.strerror}; {log}") from None
    return _Worker(name, process)


def _tell_death(study: Study, worker: _Worker, code: int, say: Callable[[str], None]) -> bool:
    """Give up what a dead worker held, and say so; its lines stay in its log.

    Returns:
        Whether it held anything.
    """
    held = study.storage.bury(worker.name)
    how = f"was killed (signal {-code}; out of memory?)" if code < 0 else f"failed (code {code})"
    why = _last_line(study, worker)
    text = f"a worker {how}{': ' + why if why else ''}; "
    fates = [
        f"its trial {row.job.candidate} "
        + ("has failed" if row.state == "failed" else f"is tried again (death {row.deaths} of 3)")
        for row in held
    ]
    say(text + (", ".join(fates) or "it held no trial"))
    return bool(held)


def _last_line(study: Study, worker: _Worker) -> str:
    with contextlib.suppress(OSError):
        lines = study.log_path(worker.name).read_text("utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


def _stop(study: Study, workers: list[_Worker]) -> None:
    """Ask every worker to end its step and write its checkpoint, and wait for it."""
    try:
        for worker in workers:
            worker.process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.1, deadline - time.monotonic()))
    finally:  # also at a second Ctrl-C
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
                with contextlib.suppress(SearchError):
                    study.storage.bury(worker.name)
