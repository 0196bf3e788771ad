"""How long does it take to list a thousand runs?

    python benchmarks/runs_speed.py

Makes a folder of 1,000 finished runs of 50 epochs each, of different seeds and learning rates as a
search leaves them, and times the whole command `thriftnet runs` on it, from the start of the
process to its end: as it is, filtered and sorted, and as JSON. The quickest of fifteen times, since
other programs on the machine can only add to it; the median and the processor time stand beside
it. Writes results/runs_speed.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.record import write_result
from thriftnet.recipe import load_recipe
from thriftnet.runs.new_run import create_run

RUNS, EPOCHS, REPEATS = 1000, 50, 15

COMMANDS: dict[str, list[str]] = {
    "list": [],
    "filtered": ["--where", "optim.lr>0.01", "--where", "accuracy>0.9", "--sort", "accuracy"],
    "json": ["--json"],
}


def make_runs(folder: Path) -> None:
    """A search's folder: what training and evaluation write, but for weights and checkpoints."""
    for number in range(RUNS):
        rate = 0.005 + number % 100 / 1000
        recipe = load_recipe("paper", [f"optim.lr={rate:.4f}"], seed=number)
        run = create_run(folder / f"run-{number:04}", recipe, {"torch": "2"})
        lines = [
            {"kind": "start", "step": 0, "parameters": 4_918_602, "macs": 798_689_792},
            *(_epoch(epoch, number) for epoch in range(1, EPOCHS + 1)),
            {"kind": "end", "step": 17_600, "seconds": 9021.7281, "pflop": 10.782312192},
            {"kind": "test", "tta": recipe.evaluate.tta, "accuracy": 0.9 + number % 317 / 1e4},
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        run.metrics_path.write_text(text, "utf-8")
        run.model_path.write_bytes(b"")


def _epoch(epoch: int, number: int) -> dict[str, object]:
    share = (epoch + number / RUNS) / (EPOCHS + 1)
    return {
        "kind": "epoch",
        "epoch": epoch,
        "epochs": EPOCHS,
        "step": 352 * epoch,
        "train_loss": 2.302585092994046 * (1 - share),
        "train_accuracy": 0.1 + 0.85 * share,
        "val_loss": 2.302585092994046 * (1.1 - share),
        "val_accuracy": 0.1 + 0.8 * share,
        "learning_rate": 0.1 * (1 - share),
        "images_per_second": 249.31702108 + number,
        "seconds": 180.43456201 * epoch,
    }


def measure(arguments: list[str]) -> dict[str, float]:
    """Seconds of the whole command, over REPEATS."""
    wall: list[float] = []
    processor: list[float] = []
    for _ in range(REPEATS):
        began, used = time.perf_counter(), _children()
        command = [sys.executable, "-m", "thriftnet", "runs", *arguments]
        subprocess.run(command, check=True, capture_output=True)
        wall.append(time.perf_counter() - began)
        processor.append(_children() - used)
    return {
        "seconds": min(wall),
        "seconds_median": statistics.median(wall),
        "processor_seconds": min(processor),
    }


def _children() -> float:
    """Processor seconds of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make the runs, time the commands, write the result."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as place:
        make_runs(Path(place))
        found = {
            name: measure(["--runs-dir", place, *options]) for name, options in COMMANDS.items()
        }
    figures = {"runs": RUNS, "epochs_each": EPOCHS, "repeats": REPEATS, "commands": found}
    for name, took in found.items():
        print(f"{name:<9} {took['seconds']:.2f} s, processor {took['processor_seconds']:.2f} s")
    write_result("runs_speed", figures)


if __name__ == "__main__":
    main()
