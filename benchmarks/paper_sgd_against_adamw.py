"""Does the order of the paper's figures 1 and 2 hold: AdamW ahead of SGD on its network?

    python benchmarks/paper_sgd_against_adamw.py --epochs 5 --seeds 0 1 2

Trains `paper` and `paper-sgd`, each with its own schedule, at a horizon that can be afforded: fewer
epochs, the schedules shortened with them and moved every step instead of every epoch. The same
seed gives both the same images in the same order. Runs lie in runs/sgd-against-adamw; one that was
cut is resumed, one that is done is read. Writes results/paper_sgd_against_adamw.json after every
pair.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from support.record import write_result
from thriftnet.recipe import load_recipe
from train_recipe import train

SCHEDULE_KEYS = {"paper": "warmup_epochs", "paper-sgd": "decay_epochs"}
"""The recipes, and what of each one's schedule is a number of epochs."""


def shortened(recipe: str, epochs: float) -> list[str]:
    """Changes that fit a recipe into so many epochs."""
    whole = load_recipe(recipe)
    key = SCHEDULE_KEYS[recipe]
    length = getattr(whole.schedule, key) * epochs / whole.train.epochs
    return [f"train.epochs={epochs:g}", "schedule.interval=step", f"schedule.{key}={length:g}"]


def main() -> None:
    """Train pair by pair and write what is known so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/sgd-against-adamw"))
    given = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for seed in given.seeds:
        for recipe in SCHEDULE_KEYS:
            changes = shortened(recipe, given.epochs)
            found = train(recipe, seed, given.runs_dir, overrides=changes)
            runs.append({"recipe": recipe, "overrides": changes, **found})
        write_result(
            "paper_sgd_against_adamw",
            {"epochs": given.epochs, "seeds": sorted({run["seed"] for run in runs}), "runs": runs},
        )


if __name__ == "__main__":
    main()
