"""Does a search that is killed ten times finish the same trials as an unbroken one?

    python benchmarks/search_kills.py

Runs the stage `grid` of a small space twice with two workers: once unbroken, and once with the
command and its workers killed (SIGKILL) together at ten random moments of their training, and run
again each time; start-up, which takes longer than this small search, is waited for.
Compares every finished job with its validation accuracy to the last bit, and counts jobs that were
recorded twice. Writes results/search_kills.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import write_result
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
"""
Row = tuple[str, int, float | None]


def start(folder: Path, study: Path) -> subprocess.Popen[bytes]:
    """Begin the search, or go on with it."""
    command = [sys.executable, "-m", "thriftnet", "search", str(folder / "kills.yaml")]
    command += ["--study", str(study), "--stage", "grid", "--workers", "2", "--heartbeat", "0.3"]
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
    """What came of a study's jobs."""
    study = Study.open(path)
    rows = study.storage.jobs("grid")
    study.storage.close()
    return [(row.job.candidate, row.job.epochs, row.value) for row in rows if row.over]


def attempts_of(path: Path) -> list[tuple[int, str]]:
    """How often each job was begun, and by whom last; nothing while there is no study."""
    if not (path / "study.db").is_file():
        return []
    study = Study.open(path)
    rows = study.storage.jobs("grid")
    study.storage.close()
    return [(row.attempt, row.worker) for row in rows]


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
        outcome = json.loads((folder / "whole" / "grid.json").read_text())
        training = outcome["seconds"] / 2  # two workers shared it
        moments: list[float] = []
        finished_at: list[int] = []
        for _ in range(given.kills):
            search = start(folder, folder / "killed")
            wait_for_training(search, folder / "killed")
            moments.append(draws.uniform(0, 2) * training / (given.kills + 2))
            time.sleep(moments[-1])
            if search.poll() is not None:
                raise SystemExit("the search was done before the last kill; give another --seed")
            kill_all(search)
            finished_at.append(len(rows_of(folder / "killed")))
            print(f"killed after {moments[-1]:.1f} s, {finished_at[-1]} jobs over", flush=True)
        if start(folder, folder / "killed").wait() != 0:
            raise SystemExit("the killed search could not be finished")
        whole, killed = rows_of(folder / "whole"), rows_of(folder / "killed")
    write_result(
        "search_kills",
        {
            "kills": given.kills,
            "workers": 2,
            "seconds_unbroken": seconds,
            "seconds_of_training": training,
            "seconds_of_training_before_each_kill": moments,
            "jobs_over_at_each_kill": finished_at,
            "jobs_unbroken": len(whole),
            "jobs_killed": len(killed),
            "jobs_twice": len(killed) - len({row[:2] for row in killed}),
            "same_jobs_in_the_same_order": [row[:2] for row in whole] == [r[:2] for r in killed],
            "same_accuracies_to_the_bit": whole == killed,
        },
    )


if __name__ == "__main__":
    main()
