"""Does any command fail on odd values in the files of a run or a study?

    python benchmarks/fuzz_files.py --run RUN --study STUDY --seconds 300

Copies a finished run and a finished study, puts an odd value into one of their files, and runs the
commands that read them. Each has to end with exit code 0, or with one line and exit code 2. Writes
results/fuzz_files.json.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from support.odd_files import RUN, STUDY
from support.record import write_result

_LIMIT = 600
"""Seconds of a command, on a machine that may do other work: what hangs takes longer."""


def commands(path: Path, *, study: bool) -> Iterator[list[str]]:
    """The commands that read a run or a study, and train nothing."""
    yield ["report", str(path)]
    if study:
        yield ["search", "status", str(path)]
        yield ["search", "status", str(path), "--json"]
        yield ["runs", "gc", "--runs-dir", str(path)]
        return
    folder = str(path.parent)
    yield ["runs", "--runs-dir", folder]
    yield ["runs", "--runs-dir", folder, "--json"]
    yield ["runs", "gc", "--runs-dir", folder]
    yield ["compare", str(path), str(path.parent / "other")]
    yield ["watch", str(path)]
    yield ["evaluate", str(path)]
    yield ["predict", str(path), "none.png"]
    yield ["calibrate", str(path)]
    yield ["train", "--resume", str(path), "--track", "tensorboard"]


def fault_of(words: list[str]) -> str | None:
    """What is wrong with how a command ends; none where nothing is."""
    command = [sys.executable, "-m", "thriftnet", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"still there after {_LIMIT} s"
    last = (done.stderr.splitlines() or [""])[-1]
    if done.returncode not in {0, 2} or "unexpected" in last:
        return f"exit code {done.returncode}: {last}"
    return None


def main() -> None:
    """Draw changes for as long as is given, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw, end = random.Random(given.seed), time.monotonic() + given.seconds
    files = [*((name, False) for name in RUN), *((name, True) for name in STUDY)]
    counts: Counter[str] = Counter()
    faults: list[dict[str, str]] = []
    while time.monotonic() < end:
        file, study = draw.choice(files)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(shutil.copytree(given.study if study else given.run, f"{folder}/odd"))
            shutil.copytree(given.run, f"{folder}/other")
            told = (STUDY if study else RUN)[file](path, draw)
            for words in draw.sample(list(commands(path, study=study)), 3):
                counts[" ".join(words[: 1 + (words[0] == "search")])] += 1
                fault = fault_of(words)
                if fault:
                    faults.append({"changed": told, "command": words[0], "fault": fault})
                    print(faults[-1], flush=True)
    write_result("fuzz_files", {"seed": given.seed, "commands": dict(counts), "faults": faults})


if __name__ == "__main__":
    main()
