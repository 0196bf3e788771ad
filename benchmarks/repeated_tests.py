"""Does `make test` pass again and again, in a fresh clone beside a busy process?

    python benchmarks/repeated_tests.py --runs 5

Clones HEAD into an empty folder and runs `make test` there, one after the other, while another
process keeps a core busy. The first sets up .venv; the cache of thriftnet is this user's. Writes
results/repeated_tests.json, after each run; a failed run's output goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from support.busy import busy_core
from support.record import RESULTS, write_result


def run_tests(folder: Path) -> dict[str, Any]:
    """One `make test`: whether it passed, its seconds and pytest's last line."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.pop("PYTHONPATH", None)  # the clone's own package
    began = time.monotonic()
    done = subprocess.run(
        ["make", "test"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    summaries = re.findall(r"^=*\s*(\d+ (?:passed|failed).*?)\s*=*$", done.stdout, re.MULTILINE)
    summary = summaries[-1] if summaries else None
    return {"passed": done.returncode == 0, "seconds": seconds, "summary": summary}


def main() -> None:
    """Clone, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as empty, busy_core():
        folder = Path(empty) / "thriftnet"
        subprocess.run(["git", "clone", "--quiet", RESULTS.parent, folder], check=True)
        for _ in range(given.runs):
            found.append(run_tests(folder))
            print(found[-1], flush=True)
            write_result("repeated_tests", {"beside": "a busy process", "runs": found})


if __name__ == "__main__":
    main()
