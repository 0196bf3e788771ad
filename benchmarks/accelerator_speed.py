"""How fast do recipes train on this machine's accelerator, beside scripts that were made for one?

    python benchmarks/accelerator_speed.py
    python benchmarks/accelerator_speed.py --peers DIR/airbench94_muon.py DIR/airbench96_faster.py

Takes about two minutes on a large GPU. For each recipe: a step on noise with the batch at once and
in micro-batches, what the driver was asked in a step (to hold against benchmarks/launches.py), and
`thriftnet train` as a whole process. The peers' scripts, from a checkout of
github.com/KellerJordan/cifar10-airbench, are run as they are, as whole processes, between ours.
Without an accelerator it measures the processor. Writes results/accelerator_speed.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch.profiler import profile

from support.record import write_result
from thriftnet.bench.clock import median_seconds
from thriftnet.bench.speed import noise_steps, noise_training
from thriftnet.recipe import load_recipe
from thriftnet.training import setup

_LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel")
_WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


def step_figures(name: str, *, seconds: float) -> dict[str, Any]:
    """A step on noise: its time either way, and the calls of the driver."""
    found: dict[str, Any] = {}
    for way, at_once in (("at once", True), ("micro-batches", False)):
        with patch.object(setup, "fits_at_once", return_value=at_once):
            plan, state = noise_training(load_recipe(name))
        step = noise_steps(plan, state)
        found[way] = {"seconds": median_seconds(step, seconds=seconds)}
        with profile() as profiled:
            step()
        calls = {each.key: each.count for each in profiled.key_averages()}
        found[way] |= {
            "launches": sum(calls.get(each, 0) for each in _LAUNCHES),
            "waits": sum(calls.get(each, 0) for each in _WAITS),
        }
    return found


def whole_process(command: Sequence[str]) -> tuple[float, str]:
    """Wall seconds of a process, and what it prints."""
    began = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return time.monotonic() - began, done.stdout


def train_figures(name: str, *, seed: int) -> dict[str, Any]:
    """`thriftnet train` of one recipe."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--json", "--seed", str(seed), "--runs-dir", folder)
        took, said = whole_process([sys.executable, "-m", "thriftnet", "train", name, *options])
    return {
        "seed": seed,
        "seconds": took,
        "accuracy": json.loads(said.splitlines()[-1])["accuracy"],
    }


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--recipes", nargs="+", default=["quick", "strong"])
    options.add_argument(
        "--peers", nargs="*", type=Path, default=[], help="scripts, run as they are"
    )
    options.add_argument("--seeds", nargs="+", type=int, default=[0])
    options.add_argument("--step-seconds", type=float, default=3.0, help="of timed steps, each way")
    given = options.parse_args()
    steps = {name: step_figures(name, seconds=given.step_seconds) for name in given.recipes}
    trained: dict[str, list[dict[str, Any]]] = {name: [] for name in given.recipes}
    peers: dict[str, list[dict[str, Any]]] = {script.name: [] for script in given.peers}
    for seed in given.seeds:
        for name in given.recipes:
            trained[name].append(train_figures(name, seed=seed))
        for script in given.peers:
            took, said = whole_process([sys.executable, str(script.resolve())])
            peers[script.name].append({"seconds": took, "said": said.splitlines()[-1:]})
        write_result("accelerator_speed", {"steps": steps, "trained": trained, "peers": peers})


if __name__ == "__main__":
    main()
