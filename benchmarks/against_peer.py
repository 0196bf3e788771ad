"""`quick` against cifar10-airbench on this machine, in one sitting, as whole processes.

    python benchmarks/against_peer.py --peer DIR --seeds 0 1 2 3 4 --peer-seeds 0

Ours and the peer take turns, so that both meet the same machine. Wall time is of the whole
process: start-up, data preparation, training, evaluation. Our runs stay in runs/quick-seedN, where
train_recipe.py finds them. Writes results/against_peer.json after every run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from support.record import write_result
from thriftnet.recipe import load_recipe

HERE = Path(__file__).parent


def timed(command: list[str]) -> tuple[dict[str, Any], float]:
    """The last JSON line that a command prints, and its wall time in seconds."""
    began = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    took = time.monotonic() - began
    return json.loads(done.stdout.splitlines()[-1]), took


def run_peer(peer: Path, seed: int) -> dict[str, Any]:
    """One run of the peer's script."""
    found, took = timed([sys.executable, str(HERE / "peer.py"), str(peer), "--seed", str(seed)])
    return {**found, "wall_seconds": took}


def run_ours(recipe: str, seed: int) -> dict[str, Any]:
    """One run of ours, by its command."""
    command = [sys.executable, "-m", "thriftnet", "train", recipe, "--json"]
    found, took = timed([*command, "--seed", str(seed), "--name", f"{recipe}-seed{seed}"])
    plain = found["readings"]["none"]["accuracy"]
    return {
        "seed": seed,
        "accuracy": found["accuracy"],
        "accuracy_without_tta": plain,
        "wall_seconds": took,
    }


def main() -> None:
    """Take turns and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--peer-seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for turn in range(max(len(arguments.seeds), len(arguments.peer_seeds))):
        if turn < len(arguments.seeds):
            ours.append(run_ours(arguments.recipe, arguments.seeds[turn]))
        if turn < len(arguments.peer_seeds):
            theirs.append(run_peer(arguments.peer, arguments.peer_seeds[turn]))
        write_comparison(arguments.recipe, ours, theirs)


def write_comparison(recipe: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Write what is known so far; there is at least one run of each."""
    ratio = statistics.median(run["wall_seconds"] for run in ours) / statistics.median(
        run["wall_seconds"] for run in theirs
    )
    accuracy = statistics.mean(run["accuracy"] for run in ours)
    write_result(
        "against_peer",
        {
            "recipe": recipe,
            "digest": load_recipe(recipe).digest(),
            "seeds": [run["seed"] for run in ours],
            "ours": ours,
            "peer": theirs,
            "mean_accuracy": accuracy,
            "wall_ratio": ratio,
            "target": {"mean_accuracy": 0.94, "seeds": 5, "wall_ratio": 0.4},
            "reached": len(ours) >= 5 and accuracy >= 0.94 and ratio <= 0.4,
        },
    )


if __name__ == "__main__":
    main()
