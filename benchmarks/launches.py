"""What does a training step launch on an accelerator, and how often does it wait for it?

    python benchmarks/launches.py

An operation of a small network takes an accelerator less time than launching it takes the CPU, so
the launches of a step bound its time from below, and whoever waits adds the time of all that is not
launched yet. Both are counted on PyTorch's device without data, which needs no accelerator and
takes seconds; nothing is timed. Writes results/launches.json.
"""

from __future__ import annotations

from typing import Any

from support.accelerator import step_cost
from support.record import write_result
from thriftnet.recipe import load_recipe

RECIPES = ("quick", "strong", "best", "robust", "paper", "paper-fixed")
PARTS = ("augmentation", "passes", "update", "losses")


def measure(name: str) -> dict[str, Any]:
    """Count a step of one recipe."""
    recipe = load_recipe(name)
    cost = step_cost(recipe)
    return {
        "recipe": name,
        "batch_size": recipe.train.batch_size,
        "micro_batch": recipe.train.micro_batch or recipe.train.batch_size,
        "launches": {part: cost.launches[part] for part in PARTS},
        "copies": cost.copies,
        "waits": len(cost.waits),
    }


def main() -> None:
    """Count and write."""
    write_result("launches", {"recipes": [measure(name) for name in RECIPES]})


if __name__ == "__main__":
    main()
