"""Does a search that is killed ten times finish the same trials as an unbroken one?

    python benchmarks/search_kills.py

Runs all stages of a small space twice with two workers: once unbroken, and once with the command
and its workers killed (SIGKILL) together at ten random moments after some worker has begun to
train, and run again each time; start-up, which takes longer than this small search, is waited for.
Compares every finished job with its validation accuracy to the last bit, and who won, and counts
jobs that were recorded twice. Writes results/search_kills.json.
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
from pathlib import Path

from record import write_result
from thriftnet.search.jobs import Job, JobRow
from thriftnet.search.stages import STAGES
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
Row = tuple[Job, float | None]


def start(folder: Path, study: Path) -> subprocess.Popen[bytes]:
    """Begin the search, or go on with it."""
    command = [sys.executable, "-m", "thriftnet", "search", str(folder / "kills.yaml")]
    command += ["--study", str(study), "--workers", "2", "--heartbeat", "0.3"]
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


def jobs_of(path: Path) -> list[JobRow]:
    """A study's jobs, stage by stage; none while there is no study."""
    if not (path / "study.db").is_file():
        return []
    with contextlib.closing(Study.open(path).storage) as storage:
        return [row for stage in STAGES for row in storage.jobs(stage.name)]


def rows_of(path: Path) -> list[Row]:
    """What came of them."""
    return [(row.job, row.value) for row in jobs_of(path) if row.over]


def attempts_of(path: Path) -> list[tuple[int, str]]:
    """How often each job was begun, and by whom last."""
    return [(row.attempt, row.worker) for row in jobs_of(path)]


def wait_for_training(search: subprocess.Popen[bytes], path: Path) -> None:
    """Wait until a worker of this sitting has begun or taken over a job."""
    before = attempts_of(path)
    while search.poll() is None and attempts_of(path) == before:
        time.sleep(0.02)


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
        training = sum(row.seconds or 0 for row in jobs_of(folder / "whole")) / 2  # of two workers
        moments: list[float] = []
        finished_at: list[int] = []
        stages: list[str] = []
        for _ in range(given.kills):
            search = start(folder, folder / "killed")
            wait_for_training(search, folder / "killed")
            moments.append(draws.uniform(0, 2) * training / (given.kills + 2))
            time.sleep(moments[-1])
            if search.poll() is not None:
                raise SystemExit("the search was done before the last kill; give another --seed")
            kill_all(search)
            over = rows_of(folder / "killed")
            finished_at.append(len(over))
            stages.append(over[-1][0].stage if over else STAGES[0].name)
            print(f"killed after {moments[-1]:.1f} s, {len(over)} jobs over", flush=True)
        if start(folder, folder / "killed").wait() != 0:
            raise SystemExit("the killed search could not be finished")
        whole, killed = rows_of(folder / "whole"), rows_of(folder / "killed")
        winners = [(folder / who / "winner.yaml").read_text() for who in ("whole", "killed")]
    write_result(
        "search_kills",
        {
            "kills": given.kills,
            "workers": 2,
            "seconds_unbroken": seconds,
            "seconds_of_training": training,
            "seconds_of_training_before_each_kill": moments,
            "jobs_over_at_each_kill": finished_at,
            "stage_of_the_last_job_over_at_each_kill": stages,
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
