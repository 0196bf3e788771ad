"""Inputs that were made to harm are refused before they cost anything."""

import json
import subprocess
import sys
from pathlib import Path

from waits import PATIENCE_SECONDS

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hostile_inputs.py"
MOST_MB = 128
MOST_CPU_SECONDS = 10
"""Where two threads share a core, work takes twice as long; unbounded it took 40 s."""


def test_hostile_inputs_are_refused_at_once() -> None:
    command = [sys.executable, str(SCRIPT), "--print"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 14
    for name, cost in found.items():
        assert cost["said"], name
        assert cost["mb"] < MOST_MB, (name, cost)
        assert cost["cpu_seconds"] < MOST_CPU_SECONDS, (name, cost)
