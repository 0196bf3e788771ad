"""The simulated cluster: many workers, one database, no job lost and none twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_overhead import ideal_seconds
from search_scaling import alone, idle_share
from support.simulated_cluster import Cluster, made_snapshot
from thriftnet.search.queue.database import sqlite_url
from thriftnet.search.queue.jobs import Job, JobRow
from thriftnet.search.stages import grid
from thriftnet.search.stages.halving import Halving, RungJob


def test_thirty_workers_lose_no_job_and_do_none_twice(tmp_path: Path):
    url = sqlite_url(tmp_path / "study.db").render_as_string()
    cluster = Cluster(url, workers=30, candidates=2000, heartbeat=5, threads=4)
    try:
        figures = cluster.run(trial_seconds=0.4, seconds=1.5)
        if figures["calls"]["finish"]["count"] <= 3:  # the machine is busy
            figures = cluster.run(trial_seconds=0.4, seconds=60)
        account = cluster.account()
    finally:
        cluster.close()
    assert figures["calls"]["finish"]["count"] > 3
    assert figures["refused"] == 0
    assert account["jobs"] >= 30 + figures["calls"]["finish"]["count"] - figures["without_a_job"]
    assert (account["twice"], account["lost"]) == (0, 0)
    assert 0 < figures["share_of_time_waited"] < 1


def test_looking_further_back_keeps_more_workers_busy():
    near, far = (idle_share(workers=10, lag=lag, candidates=300) for lag in (10, 80))
    assert near > 0.1
    assert far < 0.02


def test_an_ideal_scheduler_wastes_only_what_it_must():
    snapshot = made_snapshot(3, lag=8)
    halving, steps = Halving(sorted(snapshot.candidates), rungs=3, eta=4, lag=8), list[RungJob]()
    while isinstance(found := halving.next_step(steps), RungJob):
        steps.append(RungJob(found.candidate, found.rung, 0.5))
    rungs = snapshot.space.halving.rungs
    jobs = [Job("grid", step.candidate, 0, rungs[step.rung]) for step in steps]
    rows = [
        JobRow(job, number, "finished", 1, 0, "w", 0.5, None, 1.0)
        for number, job in enumerate(jobs)
    ]
    lengths = {job: float(job.epochs) for job in jobs}  # three of 1, then 2 and 8 one after another
    assert ideal_seconds(grid.decide(snapshot), rows, lengths, 1) == pytest.approx(13)
    assert ideal_seconds(grid.decide(snapshot), rows, lengths, 2) == pytest.approx(12)


def test_one_worker_alone_claims_beside_finished_jobs(tmp_path: Path) -> None:
    figures = alone(sqlite_url(tmp_path / "study.db"), 12, repeats=2)
    assert figures["jobs"] == 12
    assert all(figures[f"{call}_ms"] > 0 for call in ("claim", "beat", "finish"))
