"""How fast does each recipe train here, and how long would all of it take?

    python benchmarks/recipe_speed.py

Trains each shipped recipe on noise for some seconds, augmentation included, and takes the median
step. Writes results/recipe_speed.json.
"""

from __future__ import annotations

import argparse

from support.record import write_result
from thriftnet.bench.speed import training_speed
from thriftnet.recipe import load_recipe, shipped_recipes


def main() -> None:
    """Measure every shipped recipe and write the result."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    recipes = {
        name: vars(training_speed(load_recipe(name), seconds=20.0)) for name in shipped_recipes()
    }
    write_result("recipe_speed", {"recipes": recipes})


if __name__ == "__main__":
    main()
