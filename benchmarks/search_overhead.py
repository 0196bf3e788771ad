"""Which part of a search's wall time is not training?

    python benchmarks/search_overhead.py --study studies/small studies/medium

Reads finished studies that ran without a break, stage by stage. A stage's wall time runs from the
end of the stage before it to its last checkpoint. *Training* is what its jobs took by their own
clocks. *Ideal* is the wall time of a scheduler that costs nothing: the search's own choices played
through with the same jobs, the same seconds and as many workers; beside training it holds the time
in which there is no job for a worker, as at the end of a stage. What the wall time has beyond that
is *overhead*: processes starting, data and networks made ready, storage, and asking again.

It then runs a small search on SQLite and on PostgreSQL, two workers each, to say what the overhead
is made of. Writes results/search_overhead.json.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.postgres import postgres_server
from support.record import write_result
from thriftnet.runs.folder import RunFolder
from thriftnet.search.candidates import count_candidates
from thriftnet.search.queue.jobs import Answer, Claim, Decide, Job, JobRow, Proposal, decided
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import load_space
from thriftnet.search.stages.order import STAGES, Stage, find_stage, read_snapshot
from thriftnet.search.study import Study

SHARE = 0.02
"""Of the wall time."""
SPACE = """
name: overhead
base: smoke
set:
  data: {val_ratio: 0.02, fraction: 0.04, image_size: 16}
  model.channels: [8, 16, 16]
  schedule.warmup_epochs: 0
  train.batch_size: 50
grid:
  model.blocks: [[1, 1, 0], [1, 0, 1], [1, 1, 1], [2, 1, 1]]
  optim.lr: [0.05, 0.1]
reference: {model.blocks: [1, 1, 1], optim.lr: 0.1}
halving: {rungs: [1, 2, 4], eta: 2, lag: 8}
"""


def ideal_seconds(
    decide: Decide, rows: list[JobRow], lengths: dict[Job, float], count: int
) -> float:
    """Wall time of so many workers whose scheduler costs nothing."""
    values = {row.job: row for row in rows}
    done: list[JobRow] = []
    running: list[tuple[float, int]] = []
    clock = 0.0
    while True:
        while len(running) < count:
            found = decided(decide, done)
            job = found.job if isinstance(found, Proposal) else found
            if isinstance(job, Answer):
                break
            heapq.heappush(running, (clock + lengths[job], len(done)))
            done.append(replace(values[job], number=len(done), state="running", value=None))
        if not running:
            return clock
        clock, number = heapq.heappop(running)
        done[number] = replace(values[done[number].job], number=number)


def stage_figures(
    study: Study, stage: Stage, snapshot: StudySnapshot, began: float
) -> dict[str, Any]:
    """One stage's wall time and what it holds.

    Args:
        study: Finished.
        stage: With jobs.
        snapshot: What the study knows.
        began: Seconds since 1970.
    """
    rows = list(snapshot.jobs[stage.name])
    if any(row.attempt > 1 for row in rows):
        raise SystemExit(f"{study.path}: {stage.name} was interrupted; its wall time says nothing")
    workers = len({row.worker for row in rows})
    lengths = {row.job: snapshot.seconds(row) for row in rows}
    wall = max(map(_last_change, {study.trial_path(row.job) for row in rows})) - began
    ideal = ideal_seconds(stage.decide(snapshot), rows, lengths, workers)
    training = sum(lengths.values()) / workers
    return {
        "workers": workers,
        "jobs": len(rows),
        "wall_seconds": wall,
        "training_seconds": training,
        "idle_seconds": ideal - training,
        "overhead_seconds": wall - ideal,
        "share_of_wall": (wall - ideal) / wall,
    }


def _last_change(path: Path) -> float:
    """When a trial's weights were last written."""
    run = RunFolder(path)
    files = [file for file in (run.last_path, run.model_path) if file.is_file()]
    return max(file.stat().st_mtime for file in files)


def study_figures(path: Path) -> dict[str, Any]:
    """All stages of a finished study that trained something."""
    study = Study.open(path)
    snapshot = read_snapshot(study)
    found: dict[str, dict[str, Any]] = {}
    before = path / "space.yaml"
    for stage in STAGES:
        if snapshot.jobs[stage.name]:
            found[stage.name] = stage_figures(study, stage, snapshot, before.stat().st_mtime)
        before = path / f"{stage.name}.json"
    study.storage.close()
    checkpoints = [
        RunFolder(study.trial_path(row.job)).last_path.stat().st_size
        / snapshot.candidates[row.job.candidate].parameters
        for row in snapshot.jobs["grid"]
    ]
    wall = sum(each["wall_seconds"] for each in found.values())
    over = sum(each["overhead_seconds"] for each in found.values())
    idle = sum(each["idle_seconds"] for each in found.values())
    share = over / wall
    return {
        "space": study.space.name,
        "stages": found,
        "wall_seconds": wall,
        "overhead_seconds": over,
        "share_of_wall": share,
        "idle_share_of_wall": idle / wall,
        "checkpoint_bytes_a_parameter": statistics.median(checkpoints),
        "reached": share < SHARE,
    }


class _Timed:
    """Stands before a storage and counts what its calls take."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.seconds = {"claim": 0.0, "finish": 0.0, "renew_lease": 0.0}
        self.calls = dict.fromkeys(self.seconds, 0)
        self.waiting = 0.0
        self._asked = 0.0
        """When it last said that there was no job; 0: it did not."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if name not in self.seconds:
            return found

        def call(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            if name == "claim" and self._asked:
                self.waiting += began - self._asked
            answer = found(*args, **options)
            ended = time.perf_counter()
            self.seconds[name] += ended - began
            self.calls[name] += 1
            if name == "claim":
                self._asked = 0.0 if isinstance(answer, Claim) else ended
            return answer

        return call


def work_timed(path: Path, name: str, began: float) -> None:
    """A worker process: print where its time went."""
    from thriftnet.search.workers.worker import work

    study = Study.open(path, url=os.environ.get("STUDY_URL"), heartbeat=0.5)
    timed = _Timed(study.storage)
    study.storage = timed  # pyrefly: ignore[bad-assignment]  # passes on every call
    started = time.time()
    work(study, find_stage("grid"), worker=name)
    found = {"start_seconds": started - began, "work_seconds": time.time() - started}
    print(json.dumps({**found, "waiting_seconds": timed.waiting, "calls": timed.calls,
                      "storage_seconds": timed.seconds}))  # fmt: skip


def parts(folder: Path, url: str | None) -> dict[str, Any]:
    """Where two workers' time goes in a small search."""
    space = load_space(folder / "overhead.yaml")
    path = folder / ("sqlite" if url is None else "postgresql")
    study = Study.create(path, space, url=url)
    study.storage.add_candidates(count_candidates(space))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if url is not None:
        environment["STUDY_URL"] = url
    command = [sys.executable, __file__, "--worker", str(path)]
    workers = [
        subprocess.Popen(
            [*command, f"w{at}", str(time.time())], env=environment, stdout=subprocess.PIPE
        )
        for at in range(2)
    ]
    told = [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers]
    snapshot = read_snapshot(study)
    rows = snapshot.jobs["grid"]
    training = sum(map(snapshot.seconds, rows))
    study.storage.close()
    calls = {name: sum(one["calls"][name] for one in told) for name in told[0]["calls"]}
    storage = {name: sum(one["storage_seconds"][name] for one in told) for name in calls}
    own = storage["claim"] + storage["finish"]  # signs of life are given while training goes on
    work = sum(one["work_seconds"] for one in told)
    waiting = sum(one["waiting_seconds"] for one in told)
    return {
        "jobs": len(rows),
        "start_seconds_a_worker": sum(one["start_seconds"] for one in told) / 2,
        "preparing_seconds_a_job": (work - training - own - waiting) / len(rows),
        "storage_seconds_a_job": own / len(rows),
        "milliseconds_a_call": {
            name: 1e3 * storage[name] / calls[name] for name in calls if calls[name]
        },
        "training_seconds": training,
        "waiting_seconds": waiting,
    }


def main() -> None:
    """Read the studies, run the small searches, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, nargs="+", required=True)
    if sys.argv[1:2] == ["--worker"]:
        path, name, began = sys.argv[2:]
        work_timed(Path(path), name, float(began))
        return
    given = parser.parse_args()
    figures = [study_figures(path) for path in given.study]
    with tempfile.TemporaryDirectory() as place, postgres_server() as server:
        folder, url = Path(place), server.new_database()
        (folder / "overhead.yaml").write_text(SPACE)
        found = {"sqlite": parts(folder, None), "postgresql": parts(folder, url)}
    write_result(
        "search_overhead",
        {"target": {"share_of_wall": SHARE}, "studies": figures, "parts": found},
    )


if __name__ == "__main__":
    main()
