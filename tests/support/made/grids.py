"""A grid of a tiny space as a command of its own: begun, halted, killed, and what it left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path

from forked import ForkedProgram, search
from thriftnet.runs.folder import RunFolder
from thriftnet.search.conclusion import conclude
from thriftnet.search.stages.order import GRID
from thriftnet.search.study import Study
from thriftnet.search.workers.worker import work

Finished = set[tuple[str, int, float | None]]

QUICK = ("--stage", "grid", "--heartbeat", "0.6")
PATIENT = ("--heartbeat", "2")
"""In place of that, where a worker that is held up must not lose its job to another."""


def go_on(path: Path) -> None:
    """Do what is left of a grid, in this process, and conclude it."""
    study = Study.open(path)
    with closing(study.storage):
        assert work(study, GRID, worker="of the tests")
        assert conclude(study, GRID, data=None, stopping=lambda: False, say=print)


def begun(folder: Path, study: str, *options: str) -> ForkedProgram:
    place = (str(folder / "tiny.yaml"), "--study", str(folder / study))
    return ForkedProgram(search, *place, *QUICK, *options)


def finished(path: Path, url: str | None = None) -> Finished:
    with closing(Study.open(path, url=url).storage) as storage:
        rows = storage.jobs("grid")
    assert {row.state for row in rows} == {"finished"}
    return {(row.job.candidate, row.job.epochs, row.value) for row in rows}


def no_epoch_was_trained_twice(path: Path) -> bool:
    runs = [RunFolder.open(trial).metrics() for trial in (path / "trials" / "grid").iterdir()]
    epochs = [[line["epoch"] for line in lines if line["kind"] == "epoch"] for lines in runs]
    return all(each == list(range(1, len(each) + 1)) for each in epochs)


def stop_in_a_trial(search: ForkedProgram, path: Path, url: str | None) -> int:
    """Halt a worker of a search that holds a job, and tell its process."""
    kept = path / ("study.db" if url is None else "study.id")
    search.wait_until(kept.is_file)
    halted: list[int] = []
    with closing(Study.open(path, url=url).storage) as storage:

        def halt() -> bool:
            for row in storage.jobs("grid"):
                pid = process_of(row.worker) if row.state == "running" else None
                if pid is None:
                    continue
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(pid, signal.SIGSTOP)
                    if row in storage.jobs("grid"):
                        halted.append(pid)
                        return True
                    os.kill(pid, signal.SIGCONT)
            return False

        search.wait_until(halt)
    return halted[0]


def process_of(worker: str) -> int | None:
    """The process that prints to the log of this worker, however it was started."""
    for path in Path("/proc").glob("[0-9]*/fd/1"):
        try:
            log = path.readlink()
        except OSError:
            continue
        if log.stem == worker:
            return int(path.parts[2])
    return None


def parent_of(pid: int) -> int:
    told = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(told.stdout)
