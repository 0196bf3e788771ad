"""What a stranger sees: clone into an empty folder, run the README's two commands.

    python benchmarks/fresh_clone.py train
    python benchmarks/fresh_clone.py test

Keeps what they print in results/make_train.txt and results/make_test.txt, and how long they took
(set-up of .venv included and apart; the caches of thriftnet, pip and npm are empty) and how much
processor time in results/fresh_clone_train.json and _test.json. The run folder stays in the clone
and goes with it.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.record import RESULTS, write_result

ROOT = RESULTS.parent
_NOISE = re.compile(
    r"^(WARNING|\[notice\]|make\[|bringing up nodes| INFO Checking|\s*$)|\.venv/|-m venv"
)
"""Lines of pip, make, pyrefly and pytest-xdist that say nothing about thriftnet."""


def run(goal: str, folder: Path) -> tuple[str, float, float]:
    """`make GOAL` in a clone; what it printed, the seconds it took, and those of all processors."""
    # A stranger's caches are empty.
    caches = {"THRIFTNET_CACHE": str(folder.parent / "cache"), "PIP_NO_CACHE_DIR": "1"}
    environment = {**os.environ, **caches, "npm_config_cache": str(folder.parent / "npm")}
    for name in ("VIRTUAL_ENV", "PYTHONPATH"):
        environment.pop(name, None)
    began, before = time.monotonic(), _worked()
    done = subprocess.run(
        ["make", goal],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took, worked = time.monotonic() - began, _worked() - before
    if done.returncode:
        sys.exit(f"make {goal} failed:\n{done.stdout}")
    return done.stdout, took, worked


def _worked() -> float:
    """Processor seconds of the commands that have ended, with those that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def has_mirror() -> bool:
    """Whether pip is set up to take packages from elsewhere than a stranger's would."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    settings = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return bool(re.search("index-url|find-links", settings))


def main() -> None:
    """Clone, run, keep the output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goal", choices=["train", "test"])
    goal = parser.parse_args().goal
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty) / "thriftnet"
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        installation, installed, _ = run(".venv/.installed", folder)
        printed, took, worked = run(goal, folder)
    printed = (installation + printed).replace(f"{empty}/cache", "CACHE")
    kept = [line for line in printed.splitlines() if not _NOISE.search(line)]
    text = "\n".join(line for line in kept if not re.fullmatch(r"[.sxX]+\s*\[\s*\d+%\]", line))
    (RESULTS / f"make_{goal}.txt").write_text(f"$ make {goal}\n{text}\n")
    write_result(
        f"fresh_clone_{goal}",
        {
            "goal": goal,
            "seconds": installed + took,
            "installation_seconds": installed,
            "processor_seconds": worked,
            "seeds": [0],
            "mirror": has_mirror(),
        },
    )


if __name__ == "__main__":
    main()
