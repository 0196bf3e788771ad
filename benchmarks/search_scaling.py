"""How many workers does one database serve?

    python benchmarks/search_scaling.py

Real storage calls of simulated workers (`simulated_cluster.py`) on PostgreSQL, which is started for
it, and on SQLite: what a worker waits for `claim` and `finish` as a share of its time, for up to
100 workers; the same calls of one worker alone in stages of up to 3,000 jobs; how far back a
choice has to look (`halving.lag`) for nobody to idle. Clients and server
share this machine's cores, so that the rates are a lower bound. Writes results/search_scaling.json.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import os
import random
import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from support.postgres import postgres_server
from support.record import write_result
from support.simulated_cluster import Cluster, lag_for, made_snapshot
from thriftnet.search.queue import schema
from thriftnet.search.queue.checks import seal_row
from thriftnet.search.queue.database import sqlite_url
from thriftnet.search.queue.jobs import Answer, Claim
from thriftnet.search.queue.storage import Storage
from thriftnet.search.stages import grid
from thriftnet.search.stages.halving import Halving, RungJob

WORKERS = (1, 2, 8, 32, 100)
TRIALS = (1.0, 10.0)
"""Mean seconds of a job."""
ROWS = (100, 1000, 3000)
LAGS = (1, 2, 4, 8)
"""In units of the workers."""
SHARE = 0.02
"""Of a worker's time that may be spent waiting for the storage."""
CLAIMS = 30
"""That a window has to hold, for anything to be said of it."""
_HEARTBEAT = 5.0


def simulated(url: str, workers: int, seconds: float) -> list[dict[str, Any]]:
    """So many workers, at each length of a job."""
    cluster = Cluster(url, workers=workers, candidates=4 * workers + 2000, heartbeat=_HEARTBEAT)
    try:
        # A window in which too few jobs end would say nothing.
        lengths = [trial for trial in TRIALS if workers * seconds / trial >= CLAIMS]
        found = [cluster.run(trial_seconds=trial, seconds=seconds) for trial in lengths]
        for figures in found:
            print(
                f"{workers:>5} workers, jobs of {figures['trial_seconds']:.0f} s: "
                f"{figures['share_of_time_waited']:.2%} waited, "
                f"{figures['writes_per_second']:.0f} writes/s",
                flush=True,
            )
        return [{**figures, **cluster.account()} for figures in found]
    finally:
        cluster.close()


def alone(url: str, rows: int, repeats: int = 30) -> dict[str, Any]:
    """Milliseconds of each call of one worker, in a stage of so many jobs that are over."""
    known, draws = made_snapshot(rows + 100, lag=8), random.Random(0)
    storage, decide = Storage(url), grid.decide(known)
    storage.prepare("simulated")
    storage.add_candidates(list(known.candidates.values()))
    with sql.create_engine(url).begin() as connection:
        finished = _finished(known.candidates, rows, draws)
        connection.execute(schema.jobs.insert(), [seal_row(schema.jobs, row) for row in finished])
    took: dict[str, list[float]] = {name: [] for name in ("claim", "beat", "finish")}
    for _ in range(repeats):
        began = time.perf_counter()
        claim = storage.claim(grid.NAME, decide, worker="w")
        took["claim"].append(time.perf_counter() - began)
        assert isinstance(claim, Claim)
        began = time.perf_counter()
        storage.renew_lease(claim)
        took["beat"].append(time.perf_counter() - began)
        began = time.perf_counter()
        storage.finish(claim, value=draws.random(), seconds=1)
        took["finish"].append(time.perf_counter() - began)
    storage.close()
    medians = {f"{name}_ms": 1e3 * statistics.median(values) for name, values in took.items()}
    return {"jobs": rows, **medians}


def _finished(names: Any, count: int, draws: random.Random) -> Iterator[dict[str, Any]]:
    """The rows of the first so many jobs of a halving."""
    halving, steps = Halving(sorted(names), rungs=3, eta=4, lag=8), list[RungJob]()
    shared = {"stage": grid.NAME, "seed": 0, "state": "finished", "attempt": 1, "deaths": 0}
    for number in range(count):
        found = halving.next_step(steps)
        assert isinstance(found, RungJob)
        steps.append(RungJob(found.candidate, found.rung, draws.random()))
        yield {
            **shared,
            "number": number,
            "candidate": found.candidate,
            "epochs": (1, 2, 8)[found.rung],
            "worker": "w",
            "expires": 0.0,
            "value": steps[-1].value,
            "seconds": 1.0,
        }


def idle_share(*, workers: int, lag: int, candidates: int) -> float:
    """Share of a grid that workers wait for a choice's results, where calls cost nothing.

    What the longest of `LAGS` leaves is taken off: it is the grid's end, where jobs are too few.
    """
    longest = LAGS[-1] * workers
    return _without_job(workers, lag, candidates) - _without_job(workers, longest, candidates)


def _without_job(workers: int, lag: int, candidates: int) -> float:
    """Share of a whole grid's time that workers have no job.

    A job takes as long as its epochs times a draw between half and one and a half.
    """
    draws, steps = random.Random(0), list[RungJob]()
    halving = Halving([f"{n:06}" for n in range(candidates)], rungs=3, eta=4, lag=lag)
    running: list[tuple[float, int]] = []
    clock = idle = 0.0
    while True:
        while len(running) < workers:
            found = halving.next_step(steps)
            if isinstance(found, Answer):
                break
            length = (1, 1, 6)[found.rung] * draws.uniform(0.5, 1.5)
            heapq.heappush(running, (clock + length, len(steps)))
            steps.append(found)
        if not running:
            return idle / (clock * workers)
        end, number = heapq.heappop(running)
        idle += (workers - len(running) - 1) * (end - clock)
        clock = end
        step = steps[number]
        steps[number] = RungJob(step.candidate, step.rung, draws.random())


def saturation(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """For each length of a job, the most workers that waited no longer than they may."""
    found: dict[str, Any] = {}
    for trial in TRIALS:
        of_length = [
            run
            for run in runs
            if run["trial_seconds"] == trial and run["calls"]["claim"]["count"] >= CLAIMS
        ]
        fine = [run["workers"] for run in of_length if run["share_of_time_waited"] <= SHARE]
        over = [run["workers"] for run in of_length if run["share_of_time_waited"] > SHARE]
        found[f"{trial:g}"] = {
            "enough_for": max(fine, default=0),
            "too_many": min(over, default=None),
        }
    return found


@contextlib.contextmanager
def _emptied(url: str) -> Generator[str]:
    engine = sql.create_engine(url)
    schema.metadata.drop_all(engine)
    yield url
    engine.dispose()


def measure(url: str, workers: list[int], seconds: float) -> dict[str, Any]:
    """Everything of one database."""
    growth: list[dict[str, Any]] = []
    for rows in ROWS:
        with _emptied(url):
            growth.append(alone(url, rows))
    runs: list[dict[str, Any]] = []
    for count in workers:
        with _emptied(url):
            runs += simulated(url, count, seconds)
    return {"by_jobs": growth, "by_workers": runs, "saturation": saturation(runs)}


def main() -> None:
    """Measure both databases and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each simulation")
    parser.add_argument("--most", type=int, default=max(WORKERS), help="workers")
    given = parser.parse_args()
    workers = [count for count in WORKERS if count <= given.most]
    lags = [
        {
            "lag_in_workers": lag,
            "idle_share": idle_share(workers=20, lag=20 * lag, candidates=600),
        }
        for lag in LAGS
    ]
    with postgres_server("-c max_connections=50") as server:
        url = server.url("postgres").replace("postgresql:", "postgresql+psycopg:")
        found = {"postgresql": measure(url, workers, given.seconds)}
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "study.db").render_as_string()
        found["sqlite"] = measure(url, workers, given.seconds)
    cores = os.cpu_count()
    write_result(
        "search_scaling",
        {
            "cores": cores,
            "load_average": os.getloadavg()[0],
            "heartbeat": _HEARTBEAT,
            "lag": f"{lag_for(100) // 100} x workers",
            "target": {"share_of_time_waited": SHARE},
            "databases": found,
            "idle_by_lag": lags,
        },
    )


if __name__ == "__main__":
    main()
