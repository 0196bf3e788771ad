"""How much does a search with two workers train in a second, beside an earlier version?

    python benchmarks/search_two_workers.py --against CHECKOUT

Runs a tiny search from its first stage to its last, `thriftnet search SPACE --workers 2`, with
either version in turn: images that its trainings took in, over the wall time of the command. The
jobs may differ, since the earlier version chose threads and with them bits by the number of
workers. Writes results/search_two_workers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from support.record import commit_of, write_result

HERE = Path(__file__).parents[1]
SPACE = """
base: smoke
set: {data.val_ratio: 0.05, data.fraction: 0.5, data.image_size: 16, train.batch_size: 64}
max_parameters: 1000000
grid:
  model.channels: [[16, 32, 64], [16, 48, 64], [32, 64, 64]]
  optim.lr: [0.05, 0.2]
reference: {model.channels: [16, 32, 64], optim.lr: 0.05}
halving: {rungs: [1, 2], eta: 2, lag: 4}
analysis: {top: 1, images: 200, steps: 2}
refinement: {shifts: 1, trials: 2, lag: 2}
validation: {top: 1, epochs: 2, seeds: [0, 1, 2]}
winner: {data.fraction: 0.5, train.epochs: 2}
"""


def measure(checkout: Path) -> dict[str, float]:
    """Wall seconds of one search, and images per second over them."""
    with tempfile.TemporaryDirectory() as given:
        space = Path(given, "space.yaml")
        space.write_text(SPACE)
        words = ["search", str(space), "--study", str(Path(given, "study")), "--workers", "2"]
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "thriftnet", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        )
        seconds = time.monotonic() - began
        ends = [_end(path) for path in Path(given, "study").rglob("metrics.jsonl")]
    images = sum(end.get("images", 0) for end in ends)
    return {"seconds": seconds, "trainings": len(ends), "images_per_second": images / seconds}


def _end(metrics: Path) -> dict[str, Any]:
    lines = map(json.loads, metrics.read_text().splitlines())
    return next((line for line in lines if line["kind"] == "end"), {})


def main() -> None:
    """Take turns and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", required=True)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    checkouts = {"this": HERE, "against": given.against.resolve()}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    for _ in range(given.rounds):
        for name, checkout in checkouts.items():
            found[name].append(measure(checkout))
            print(name, found[name][-1], flush=True)
    rates = {
        name: statistics.median(one["images_per_second"] for one in rounds)
        for name, rounds in found.items()
    }
    figures = {
        "space": SPACE.strip().splitlines(),
        "images_per_second": rates,
        "ratio": rates["this"] / rates["against"],
        "against_commit": commit_of(checkouts["against"]),
        "rounds": found,
    }
    write_result("search_two_workers", figures)


if __name__ == "__main__":
    main()
