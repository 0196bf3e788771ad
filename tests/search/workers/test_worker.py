"""A worker's end when memory runs out or it is told to, and its doubts about a lease."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from studies import change_jobs
from thriftnet.data import Dataset
from thriftnet.errors import SearchError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.search.candidates import count_candidates
from thriftnet.search.queue import schema
from thriftnet.search.queue.heartbeat import Heartbeat
from thriftnet.search.queue.jobs import Claim, Job
from thriftnet.search.queue.storage import Storage
from thriftnet.search.space import load_space
from thriftnet.search.stages.order import ANALYSIS, GRID, REFINEMENT, read_snapshot
from thriftnet.search.study import Study
from thriftnet.search.workers import pool, worker
from thriftnet.search.workers.local import LocalPool
from tiny import space_file
from waits import wait_until


@pytest.mark.parametrize("hog", [lambda: torch.empty(2**48), lambda: np.empty(2**48)])
def test_a_worker_out_of_memory_says_so_and_counts_as_a_death(
    hog: Callable[[], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "study"
    Study.create(path, load_space(space_file(tmp_path))).storage.close()
    monkeypatch.setattr(worker, "work", lambda *_, **__: hog())
    monkeypatch.setattr(sys, "argv", ["worker", str(path), "grid", "--worker", "w"])
    sys.argv += ["--heartbeat", "5"]
    with pytest.raises(SystemExit) as end:
        worker.main()
    assert end.value.code == 1  # any but 0, 2 and 130 is a death: its trial is tried again
    assert capsys.readouterr().err == "out of memory; fewer --workers leave more for each\n"


def test_a_worker_that_is_a_child_process_is_told_killed(tmp_path: Path):
    """Started as a search starts it; in tests of whole searches it is forked."""
    spec = pool.WorkerSpec("w", [str(tmp_path), "grid"], {}, tmp_path / "w.log")
    started = LocalPool(1).start(spec)
    assert started.exit_status() is None
    started.kill()
    ended = started.exit_status()
    assert ended is not None
    assert ended.code == -signal.SIGKILL


def test_a_worker_asked_to_stop_at_the_very_end_of_a_job_begins_no_other(
    tmp_path: Path, cifar10: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
):
    assert len(cifar10[0]) == 50_000

    def at_its_end(_self: object, line: MetricRecord) -> None:
        if line["kind"] == "epoch":
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("thriftnet.search.workers.worker._ForwardStop.line", at_its_end)
    study = begun(tmp_path)
    with closing(study.storage):
        assert not worker.work(study, GRID, worker="w")
        assert [row.state for row in study.storage.jobs("grid")] == ["finished"]


def test_a_job_of_a_silent_worker_that_lives_is_tried_again_when_that_one_has_stopped(
    tmp_path: Path, cifar10: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
):
    assert len(cifar10[0]) == 50_000
    study = begun(tmp_path, heartbeat=0.3)
    remove, removed = shutil.rmtree, list[Path]()

    def remove_and_see_it_come_back(path: Path, **options: bool) -> None:
        remove(path, **options)
        if path.suffix == ".new":  # of a run that is made
            return
        if not removed:  # the other one writes its checkpoint
            (path / "checkpoints").mkdir(parents=True)
        removed.append(path)

    monkeypatch.setattr(shutil, "rmtree", remove_and_see_it_come_back)
    with closing(study.storage):
        held = study.storage.claim("grid", GRID.decide(read_snapshot(study)), worker="asleep")
        assert isinstance(held, Claim)
        (study.trial_path(held.job) / "checkpoints").mkdir(parents=True)
        time.sleep(study.storage.lease + 0.1)
        assert worker.work(study, GRID, worker="awake")
        assert {row.state for row in study.storage.jobs("grid")} == {"finished"}
    assert removed[0] == removed[1]


def test_a_worker_that_waits_for_a_stage_to_begin_can_be_stopped_and_ends_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    study = begun(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGTERM))
    with closing(study.storage):
        assert not worker.work(study, ANALYSIS, REFINEMENT, worker="w")
        another = os.getpid()  # no process is its own parent
        assert not worker.work(study, ANALYSIS, worker="w", parent=another)


def begun(folder: Path, *, heartbeat: float = 5.0) -> Study:
    """With candidates and no job yet."""
    space = load_space(space_file(folder))
    study = Study.create(folder / "study", space, heartbeat=heartbeat)
    study.storage.add_candidates(count_candidates(space))
    return study


class _Pool:
    """Of one worker that does not end until it is killed."""

    def count(self) -> int:
        return 1

    def start(self, spec: pool.WorkerSpec) -> _Deaf:
        del spec
        return _Deaf()

    def close(self) -> None:
        pass


class _Deaf:
    """A worker that does not end until it is killed."""

    name = "deaf"
    killed = False

    def exit_status(self) -> pool.ExitStatus | None:
        return pool.ExitStatus(-9, "") if self.killed else None

    def ask_to_stop(self) -> None:
        pass

    def kill(self) -> None:
        self.killed = True


def test_a_command_that_ends_three_times_by_two_ctrl_c_costs_no_job_its_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "_STOP_SECONDS", 0)
    with closing(Study.create(tmp_path / "study", load_space(space_file(tmp_path))).storage) as at:
        study = Study.open(tmp_path / "study")
        for attempt in (1, 2, 3, 4):
            claim = at.claim("grid", lambda _: Job("grid", "c", 0, 1), worker="deaf")
            assert isinstance(claim, Claim)
            assert claim.attempt == attempt

            def interrupt() -> bool:
                raise KeyboardInterrupt

            supervisor = pool.Supervisor(
                study, [GRID], pool=_Pool(), url=None, data=None, say=print
            )
            with pytest.raises(KeyboardInterrupt), closing(supervisor):
                supervisor.run(GRID, stopping=interrupt, poll=lambda: False)
        study.storage.close()
        (row,) = at.jobs("grid")
    assert (row.state, row.deaths) == ("released", 0)


class _Stopped(_Deaf):
    """A worker that was stopped, by SIGTERM say, and that nobody here asked to."""

    def exit_status(self) -> pool.ExitStatus | None:
        return pool.ExitStatus(130, "")


def test_a_worker_that_is_stopped_from_outside_has_a_successor(tmp_path: Path):
    started: list[_Deaf] = []

    class Pool(_Pool):
        def start(self, spec: pool.WorkerSpec) -> _Deaf:
            del spec
            started.append(_Deaf() if started else _Stopped())
            return started[-1]

    said: list[str] = []
    with closing(Study.create(tmp_path / "study", load_space(space_file(tmp_path))).storage):
        study = Study.open(tmp_path / "study")
        supervisor = pool.Supervisor(
            study, [GRID], pool=Pool(), url=None, data=None, say=said.append
        )
        over = iter([False, True])
        assert supervisor.run(GRID, stopping=lambda: False, poll=lambda: next(over))
        started[-1].kill()
        supervisor.close()
        study.storage.close()
    assert [type(worker) for worker in started] == [_Stopped, _Deaf]
    assert said == ["a worker was stopped from outside; starting another one"]


class _Away(Storage):
    """A storage that does not answer."""

    def renew_lease(self, claim: Claim) -> bool:
        raise SearchError("away")


def test_a_lease_that_cannot_be_renewed_is_given_up_when_it_has_run_out(tmp_path: Path):
    claim = Claim(1, Job("grid", "c", 0, 1), 1, "w")
    with closing(_Away.in_file(tmp_path / "study.db", heartbeat=0.05)) as storage:
        began = time.monotonic()
        with Heartbeat(storage, claim) as heart:
            wait_until(lambda: heart.lost)
        assert time.monotonic() - began >= storage.lease


@pytest.mark.parametrize(
    ("epochs", "lost"), [(1, ["last_path"]), (2, ["model_path"]), (2, ["last_path", "model_path"])]
)
def test_a_job_whose_disk_was_full_after_its_last_line_is_done_again(
    tmp_path: Path, cifar10: tuple[Dataset, Dataset], epochs: int, lost: list[str]
):
    """Its accuracy alone would do for the grid, and nothing for the stages that read weights."""
    assert len(cifar10[0]) == 50_000
    study = begun(tmp_path)
    with closing(study.storage):
        assert worker.work(study, GRID, worker="first")
        rows = {row.job: row for row in study.storage.jobs("grid")}
        further = {job.candidate for job in rows if job.epochs > epochs}
        job = next(j for j in rows if j.epochs == epochs and j.candidate not in further)
        run = RunFolder(study.trial_path(job))
        for name in lost:
            getattr(run, name).unlink()
        own = (schema.jobs.c.candidate == job.candidate) & (schema.jobs.c.epochs == epochs)
        change_jobs(study.path, own, state="released")
    study = Study.open(study.path)
    with closing(study.storage):
        assert worker.work(study, GRID, worker="second")
        again = {row.job: row for row in study.storage.jobs("grid")}
    assert all(getattr(run, name).is_file() for name in lost)
    assert again[job].value == rows[job].value
    assert run.finished == (epochs == 2)
