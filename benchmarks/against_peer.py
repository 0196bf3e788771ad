"""`quick` against cifar10-airbench on this machine, in one sitting, as whole processes.

    python benchmarks/against_peer.py --peer DIR --seeds 0 1 2 3 4 --peer-seeds 0

Ours, the peer and the peer in micro-batches of 250 take turns, so that all meet the same machine.
Wall time is of the whole process: start-up, data preparation, training, evaluation. Our runs stay
in runs/quick-seedN, where train_recipe.py finds them. Writes results/against_peer.json after every
turn: what was measured here and, under `elsewhere`, what the file holds of other machines.
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

from support.other_machines import measured_elsewhere
from support.record import write_result
from thriftnet.recipe import load_recipe

HERE = Path(__file__).parent
_PIECE = 250
"""Images of the peer's micro-batches, as `quick` has."""


def timed(command: list[str]) -> tuple[dict[str, Any], float]:
    """The last JSON line that a command prints, and its wall time in seconds."""
    began = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    took = time.monotonic() - began
    return json.loads(done.stdout.splitlines()[-1]), took


def run_peer(peer: Path, seed: int, *extra: str) -> dict[str, Any]:
    """One run of the peer's script."""
    command = [sys.executable, str(HERE / "peer.py"), str(peer), "--seed", str(seed), *extra]
    found, took = timed(command)
    return {**found, "wall_seconds": took}


def run_ours(recipe: str, seed: int) -> dict[str, Any]:
    """One run of ours, by its command."""
    command = [sys.executable, "-m", "thriftnet", "train", recipe, "--json"]
    found, took = timed([*command, "--seed", str(seed), "--name", f"{recipe}-seed{seed}"])
    plain = found["by_tta"]["none"]["accuracy"]
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
    in_pieces: list[dict[str, Any]] = []
    elsewhere = measured_elsewhere("against_peer")
    for turn in range(max(len(arguments.seeds), len(arguments.peer_seeds))):
        if turn < len(arguments.seeds):
            ours.append(run_ours(arguments.recipe, arguments.seeds[turn]))
        if turn < len(arguments.peer_seeds):
            theirs.append(run_peer(arguments.peer, arguments.peer_seeds[turn]))
            seed = arguments.peer_seeds[turn]
            in_pieces.append(run_peer(arguments.peer, seed, "--micro-batch", str(_PIECE)))
        write_comparison(arguments.recipe, ours, theirs, in_pieces, elsewhere=elsewhere)


def write_comparison(
    recipe: str,
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]],
    in_pieces: list[dict[str, Any]],
    *,
    elsewhere: list[dict[str, Any]],
) -> None:
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
            f"peer_in_{_PIECE}": in_pieces,
            "mean_accuracy": accuracy,
            "wall_ratio": ratio,
            "target": {"mean_accuracy": 0.94, "seeds": 5, "wall_ratio": 0.4},
            "reached": len(ours) >= 5 and accuracy >= 0.94 and ratio <= 0.4,
            "elsewhere": elsewhere,
        },
    )


if __name__ == "__main__":
    main()
