"""What does quick reach in few epochs, with and without its lengths in proportion?

    python benchmarks/short_quick.py

Trains quick for 3 of its 12 epochs twice: as `--set train.epochs=3` does, with what is counted in
epochs in proportion, and as it did before, when the images stayed small and none was left out to
the end. Nothing is chosen by what is found. Writes results/short_quick.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from support.record import write_result
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.evaluation.evaluate import evaluate
from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.runs.metrics_log import last_line
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training.loop import fit
from thriftnet.training.progress import choose_progress
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import make_plan, make_state, recipe_network


def kept_lengths(recipe: Recipe, epochs: float) -> Recipe:
    """With another number of epochs and nothing else: `start_run` would refuse it."""
    tree = recipe.model_dump(mode="json")
    tree["train"]["epochs"] = epochs
    return build_recipe(tree)


def measure(recipe: Recipe, path: Path) -> dict[str, Any]:
    """Train, and evaluate once on the test set."""
    images = open_dataset(DatasetSpec())
    model = recipe_network(recipe, classes=len(images.classes))
    plan = make_plan(recipe, images, model)
    state = make_state(recipe, plan, model)
    run = create_run(path, recipe, {})
    fit(plan, state, Recorder(recipe, plan, state, run, choose_progress()), StopRequest())
    found, end = evaluate(path), last_line(run.metrics(), "end")
    assert end is not None
    return {
        "full_epochs": recipe.train.full_epochs,
        "sizes": [list(stage) for stage in recipe.train.sizes],
        "accuracy": found.accuracy,
        "accuracy_without_tta": found.results[1].accuracy,
        "pflop": end["pflop"],
    }


def main() -> None:
    """Train both, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    given = parser.parse_args()
    whole = load_recipe("quick", seed=given.seed)
    short = {
        "in_proportion": load_recipe("quick", [f"train.epochs={given.epochs}"], seed=given.seed),
        "lengths_kept": kept_lengths(whole, given.epochs),
    }
    runs = {
        name: measure(recipe, given.runs_dir / f"short-quick-{name}-s{given.seed}")
        for name, recipe in short.items()
    }
    write_result("short_quick", {"epochs": given.epochs, "seed": given.seed, "runs": runs})


if __name__ == "__main__":
    main()
