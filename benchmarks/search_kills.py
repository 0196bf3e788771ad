"""Does a search that is killed ten times finish the same trials as an unbroken one?

    python benchmarks/search_kills.py

Runs all stages of a small space twice with two workers: once unbroken, and once with the command
and its workers killed (SIGKILL) together ten times, and run again each time. The stages take turns:
a kill comes at a random moment after its stage, or a later one, has begun a job in that sitting;
start-up, which takes longer than this small search, is waited for. Compares every finished job with
its validation accuracy to the last bit, and who won, and counts jobs that were recorded twice.
Writes results/search_kills.json.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from support.record import write_result
from thriftnet.search.conclusion import conclusion_of
from thriftnet.search.queue.jobs import Job
from thriftnet.search.queue.storage import Storage
from thriftnet.search.stages.order import STAGES, Stage, read_snapshot
from thriftnet.search.study import Study

SPACE = """
name: kills
base: smoke
set:
  data: {val_ratio: 0.02, fraction: 0.02, image_size: 16}
  model.channels: [8, 16, 16]
  schedule.warmup_epochs: 0
  train.batch_size: 50
grid:
  model.blocks: [[1, 1, 0], [1, 0, 1], [1, 1, 1], [2, 1, 1], [1, 2, 1], [1, 1, 2]]
  optim.lr: [0.05, 0.1]
reference: {model.blocks: [1, 1, 1], optim.lr: 0.1}
halving: {rungs: [1, 2, 4], eta: 2, lag: 4}
analysis: {images: 200}
refinement: {shifts: 2, trials: 4, lag: 2}
validation: {top: 2, epochs: 5, seeds: [0, 1, 2]}
"""
WORKERS = 2
Row = tuple[Job, float | None]


def start(folder: Path, study: Path) -> subprocess.Popen[bytes]:
    """Begin the search, or go on with it."""
    command = [sys.executable, "-m", "thriftnet", "search", str(folder / "kills.yaml")]
    command += ["--study", str(study), "--workers", str(WORKERS), "--heartbeat", "0.3"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)


def kill_all(search: subprocess.Popen[bytes]) -> None:
    """Kill the command and then its workers, before it could see them die."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(search.pid)], capture_output=True, text=True
    )
    search.kill()
    search.wait()
    for child in map(int, listed.stdout.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def rows_of(path: Path) -> list[Row]:
    """What came of a study's jobs, stage by stage."""
    with contextlib.closing(Study.open(path).storage) as storage:
        rows = [row for stage in STAGES for row in storage.jobs(stage.name)]
    return [(row.job, row.value) for row in rows if row.over]


def lengths_of(path: Path) -> dict[str, float]:
    """Seconds that each stage of a study took: of its jobs, or of its conclusion if it has none."""
    study = Study.open(path)
    snapshot = read_snapshot(study)
    study.storage.close()
    written = [path / "space.yaml", *(path / f"{stage.name}.json" for stage in STAGES)]
    ends = [file.stat().st_mtime for file in written]
    spans = zip(STAGES, pairwise(ends), strict=True)
    found = {stage.name: after - before for stage, (before, after) in spans}
    trained = {
        name: sum(map(snapshot.seconds, rows)) for name, rows in snapshot.jobs.items() if rows
    }
    return found | {name: seconds / WORKERS for name, seconds in trained.items()}


def attempts_of(storage: Storage, stages: Sequence[Stage]) -> list[tuple[int, str]]:
    """How often each job and each conclusion of these stages was begun, and by whom last."""
    names = [name for stage in stages for name in (stage.name, conclusion_of(stage))]
    return [(row.attempt, row.worker) for name in names for row in storage.jobs(name)]


def wait_for(search: subprocess.Popen[bytes], path: Path, stages: Sequence[Stage]) -> None:
    """Wait until this sitting has begun or taken over a job of these stages."""
    while search.poll() is None and not (path / "study.db").is_file():
        time.sleep(0.02)
    with contextlib.closing(Study.open(path).storage) as storage:
        before = attempts_of(storage, stages)
        while search.poll() is None and attempts_of(storage, stages) == before:
            time.sleep(0.02)


def stage_of(path: Path) -> str:
    """The stage at which a study stands."""
    study = Study.open(path)
    study.storage.close()
    left = (stage for stage in STAGES if study.outcome(stage.name) is None)
    return next(left, STAGES[-1]).name


def main() -> None:
    """Run both searches and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draws = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "kills.yaml").write_text(SPACE)
        began = time.monotonic()
        if start(folder, folder / "whole").wait() != 0:
            raise SystemExit("the unbroken search failed")
        seconds = time.monotonic() - began
        lengths = lengths_of(folder / "whole")
        turns = sorted(number % len(STAGES) for number in range(given.kills))
        moments: list[float] = []
        finished_at: list[int] = []
        stages: list[str] = []
        for turn in turns:
            search = start(folder, folder / "killed")
            wait_for(search, folder / "killed", STAGES[turn:])
            length = lengths[STAGES[turn].name]
            moments.append(draws.uniform(0, 2) * length / (turns.count(turn) + 2))
            time.sleep(moments[-1])
            if search.poll() is not None:
                raise SystemExit("the search was done before the last kill; give another --seed")
            kill_all(search)
            finished_at.append(len(rows_of(folder / "killed")))
            stages.append(stage_of(folder / "killed"))
            print(
                f"{stages[-1]}: killed {moments[-1]:.1f} s after {STAGES[turn].name} began, "
                f"{finished_at[-1]} jobs over",
                flush=True,
            )
        if start(folder, folder / "killed").wait() != 0:
            raise SystemExit("the killed search could not be finished")
        whole, killed = rows_of(folder / "whole"), rows_of(folder / "killed")
        winners = [(folder / who / "winner.yaml").read_text() for who in ("whole", "killed")]
    write_result(
        "search_kills",
        {
            "kills": given.kills,
            "workers": WORKERS,
            "seconds_unbroken": seconds,
            "seconds_of_each_stage": lengths,
            "stage_at_each_kill": stages,
            "seconds_since_it_began_at_each_kill": moments,
            "jobs_over_at_each_kill": finished_at,
            "jobs_unbroken": len(whole),
            "jobs_killed": len(killed),
            "jobs_twice": len(killed) - len({job for job, _ in killed}),
            "same_jobs_in_the_same_order": [job for job, _ in whole] == [job for job, _ in killed],
            "same_accuracies_to_the_bit": whole == killed,
            "same_winner": winners[0] == winners[1],
        },
    )


if __name__ == "__main__":
    main()
