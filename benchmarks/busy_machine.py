"""How fast is a training beside other work, as a share of its speed alone?

    python benchmarks/busy_machine.py                          # this checkout
    python benchmarks/busy_machine.py --against CHECKOUT       # and an earlier one, in turn

Trains an epoch of a part of CIFAR-10 by the recipe `quick`: alone, beside one process that keeps a
core busy, and beside another training of the same kind. Each round has every case once, so that
all meet the same machine. Writes results/busy_machine.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.busy import busy_core
from support.record import commit_of, write_result

HERE = Path(__file__).parents[1]
RECIPE = (
    "quick",
    *("--set", "train.epochs=1"),
    *("--set", "train.full_epochs=1"),
    *("--set", "train.sizes=[]"),  # whole images, whatever a version makes of fewer epochs
)
SHARE = 0.2
"""Of the training images: some 15 s of whole images alone on two cores."""


def begin(checkout: Path, folder: Path, name: str) -> subprocess.Popen[str]:
    """A training that tells its metrics as JSON lines."""
    words = ["train", *RECIPE, "--set", f"data.fraction={SHARE}", "--name", name]
    return subprocess.Popen(
        [sys.executable, "-m", "thriftnet", *words, "--runs-dir", str(folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
    )


def images_per_second(training: subprocess.Popen[str]) -> float:
    """Of a training that `begin` began, once it is over."""
    out, err = training.communicate(timeout=600)
    if training.returncode:
        raise SystemExit(err)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return next(line["images_per_second"] for line in lines if line.get("kind") == "epoch")


def measure(checkout: Path) -> dict[str, float]:
    """Images a second in each case; of two trainings the slower one's."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        alone = images_per_second(begin(checkout, folder, "alone"))
        with busy_core():
            beside = images_per_second(begin(checkout, folder, "beside"))
        pair = [begin(checkout, folder, f"pair{number}") for number in range(2)]
        return {
            "alone": alone,
            "beside_a_busy_process": beside,
            "beside_another_training": min(map(images_per_second, pair)),
        }


def summary(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Medians over rounds, and the shares of a round's own speed alone."""
    cases = rounds[0].keys()
    return {
        "images_per_second": {
            case: round(statistics.median(one[case] for one in rounds), 1) for case in cases
        },
        "share_of_alone": {
            case: round(statistics.median(one[case] / one["alone"] for one in rounds), 3)
            for case in cases
            if case != "alone"
        },
        "rounds": [{case: round(value, 1) for case, value in one.items()} for one in rounds],
    }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    checkouts = {"this": HERE}
    if given.against:
        checkouts["against"] = given.against.resolve()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    for _ in range(given.rounds):
        for name, checkout in checkouts.items():
            found[name].append(measure(checkout))
            print(name, found[name][-1], flush=True)
    figures: dict[str, Any] = {name: summary(rounds) for name, rounds in found.items()}
    if given.against:
        figures["against"]["commit"] = commit_of(checkouts["against"])
    write_result("busy_machine", {"recipe": [*RECIPE], "share_of_images": SHARE, **figures})


if __name__ == "__main__":
    main()
