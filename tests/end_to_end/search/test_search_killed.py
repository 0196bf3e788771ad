"""A search whose workers or command are killed: what it leaves is what an unbroken one does."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from commands import Outcome
from forked import start_worker
from grids import begun, stop_in_a_trial
from studies import finished
from thriftnet.search.candidates import count_candidates
from thriftnet.search.space import load_space
from thriftnet.search.stages.order import GRID, REFINEMENT
from thriftnet.search.study import Study
from thriftnet.search.workers.worker import work
from waits import wait_until


def test_a_refinement_killed_at_random_moments_leaves_what_an_unbroken_one_does(
    first: Outcome, folder: Path, study: Path
):
    assert first.code == 0
    unbroken = finished(folder / "study", "refinement")
    with contextlib.closing(sqlite3.connect(study / "study.db")) as database, database:
        database.execute("delete from jobs where stage in ('refinement', 'validation')")
        database.execute("delete from candidates where origin = 'refinement'")
    shutil.rmtree(study / "trials" / "refinement")
    (study / "refinement.json").unlink()
    opened = Study.open(study)
    for seed in (2, 3):
        kill_one(opened, "refinement", seed=seed)
    assert work(opened, REFINEMENT, worker="last")
    opened.storage.close()
    assert finished(study, "refinement") == unbroken


def kill_one(study: Study, stage: str, *, seed: int) -> None:
    """Start a worker and kill it at a random moment after it was given a new job, if any."""
    known = len(study.storage.jobs(stage))
    options = ("--worker", str(random.random()), "--heartbeat", "0.1")
    worker = start_worker([str(study.path), stage, *options])
    wait_until(lambda: len(study.storage.jobs(stage)) > known or worker.poll() is not None)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    worker.kill()
    assert worker.wait() in (-signal.SIGKILL, 0)  # 0: no job was left


def test_workers_killed_at_random_moments_leave_what_an_unbroken_search_does(
    first: Outcome, folder: Path, tmp_path: Path
):
    assert first.code == 0
    space = load_space(folder / "tiny.yaml")
    study = Study.create(tmp_path / "killed", space, heartbeat=0.1)
    study.storage.add_candidates(count_candidates(space))
    for seed in (0, 1):
        kill_one(study, "grid", seed=seed)
    assert work(study, GRID, worker="last")
    study.storage.close()
    assert finished(study.path) == finished(folder / "study")


def test_a_worker_killed_under_the_command_is_told_and_ctrl_c_leaves_all_resumable(
    grid_folder: Path,
):
    path = grid_folder / "killed"
    search = begun(grid_folder, "killed", "--workers", "1")
    os.kill(stop_in_a_trial(search, path, None), signal.SIGKILL)
    search.read_until("was killed")
    search.interrupt()
    told = search.ended()
    assert told.code == 130
    assert "stopped; run the same command again" in told.err
    assert "a worker was killed (signal 9; out of memory?)" in told.out
    opened = Study.open(path)
    states = {row.state for row in opened.storage.jobs("grid")}
    opened.storage.close()
    assert states <= {"finished", "released"}


@pytest.mark.parametrize("kept", [False, True], ids=["no study", "a finished one"])
def test_a_search_without_a_trial_to_stop_fails_with_what_it_printed(
    grid_folder: Path, tmp_path: Path, kept: bool
):
    if kept:
        shutil.copytree(grid_folder / "unbroken", tmp_path / "study")
        shutil.copy(grid_folder / "tiny.yaml", tmp_path)
    search = begun(tmp_path, "study")
    with pytest.raises(AssertionError, match="the reference: rank" if kept else r"tiny\.yaml"):
        stop_in_a_trial(search, tmp_path / "study", None)
