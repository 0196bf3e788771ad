"""Train a recipe with several seeds, each as a whole command, and keep the figures.

    python benchmarks/train_recipe.py quick --seeds 0 1 2

Each finished run is merged into results/accuracy.json, as benchmarks/accuracy.py does it, and
results/train_NAME.json keeps what whole commands take. Wall time is of the whole process: start-up,
data, training, evaluation. The rate of a large convolution is taken before and after each, as the
machine's speed changes by the hour. A run folder that is there already is resumed, or read if
finished.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from accuracy import add_runs
from support.record import write_result
from support.run_curves import curve_of
from thriftnet.bench.roofline import convolution_rate
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line
from thriftnet.runtime.device import choose_compute

_RATE_SECONDS = 5.0


def choose_dtype(recipe: str) -> torch.dtype:
    """What the recipe's convolutions compute in here."""
    settings = load_recipe(recipe).train
    compute = choose_compute(device=settings.device, precision=settings.precision)
    return torch.bfloat16 if compute.precision == "bf16" else torch.float32


def train(
    recipe: str, seed: int, runs_dir: Path, *, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """One run by the command line; its figures."""
    name = f"{recipe}-seed{seed}"
    command = [sys.executable, "-m", "thriftnet", "train", "--json"]
    resumed = (runs_dir / name).exists()
    if resumed:
        earlier = RunFolder.open(runs_dir / name).recipe()
        if earlier.digest() != load_recipe(recipe, overrides).digest():
            raise SystemExit(f"{runs_dir / name} is of another recipe; move it away and run again")
        command += ["--resume", str(runs_dir / name)]
    else:
        command += [recipe, "--seed", str(seed), "--name", name, "--runs-dir", str(runs_dir)]
        command += [word for change in overrides for word in ("--set", change)]
    before = None if resumed else convolution_rate(choose_dtype(recipe), seconds=_RATE_SECONDS)
    began = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    wall = time.monotonic() - began
    after = None if resumed else convolution_rate(choose_dtype(recipe), seconds=_RATE_SECONDS)
    summary = json.loads(done.stdout.splitlines()[-1])
    run = RunFolder.open(runs_dir / name)
    lines = run.metrics()
    start, end = last_line(lines, "start"), last_line(lines, "end")
    return {
        "seed": seed,
        "commit": run.environment()["commit"],
        "accuracy": summary["accuracy"],
        "accuracy_without_tta": summary["by_tta"]["none"]["accuracy"],
        "tta": summary["tta"],
        "parameters": summary["parameters"],
        "macs": start["macs"],
        "pflop": end["pflop"],
        "training_seconds": end["seconds"],
        "wall_seconds": None if resumed else wall,
        "convolution_rate_gflops": (before + after) / 2e9 if before and after else None,
        "curve": curve_of(lines),
    }


def main() -> None:
    """Train every seed and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    runs = [train(arguments.recipe, seed, arguments.runs_dir) for seed in arguments.seeds]
    accuracies = [run["accuracy"] for run in runs]
    figures = {
        "recipe": arguments.recipe,
        "digest": load_recipe(arguments.recipe).digest(),
        "seeds": arguments.seeds,
        "mean_accuracy": statistics.mean(accuracies),
        "sd_accuracy": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "runs": runs,
    }
    write_result(f"train_{arguments.recipe}", figures)
    names = [f"{arguments.recipe}-seed{seed}" for seed in arguments.seeds]
    for reason in add_runs([arguments.runs_dir / name for name in names]):
        print(f"train_recipe: not in accuracy.json: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
