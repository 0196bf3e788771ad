"""What does each ingredient against corruptions give? One change to `quick` at a time.

    python benchmarks/robust_levers.py --seeds 0 1 2
    python benchmarks/robust_levers.py --variants noise JPEG --seeds 0
    python benchmarks/robust_levers.py --epochs 0.02 --images 50 --seeds 0 --variants noise

A tenth of the training images is held out. Of these the accuracy is told, and the mean corruption
accuracy of some, every class with its share; the test images are never touched. Variants stand in
support/robust_studies.py, with `base` always among them, each at the operations of `base`. All of
them with three seeds take hours. What the results file has is not trained again and a run that was
cut goes on: stop it with Ctrl-C as you like, and give the same command. Writes
results/robust_levers.json after every run, and with --epochs a file of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ablate import known_runs, measure, summarise, unseen
from documents.quoting import duration, result
from robustness import Kept
from support.ablation_studies import Study
from support.record import write_result
from support.robust_studies import ROBUST
from thriftnet.bench.speed import training_speed
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.resemblance import resembled_corruptions
from thriftnet.evaluation.robustness import choose_images, classifier_of, evaluate_robustness
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe
from thriftnet.runs.paths import model_file
from thriftnet.runtime.device import choose_compute

_IMAGES = 1000
_SPEED_SECONDS = 10.0


def robust_figures(recipe: Recipe, path: Path, *, images: int, kept: Kept) -> dict[str, Any]:
    """Accuracy under corruption of a trained run, on images that it did not see."""
    rest, model = unseen(recipe), read_model(model_file(path))
    engine = Engine.of(model, choose_compute())
    classify = classifier_of(engine, side=model.image_size, tta="none")
    chosen = choose_images(rest.labels, images)
    found = evaluate_robustness(classify, rest, chosen=chosen, generate=kept.generate)
    resembled = resembled_corruptions(recipe.augment)
    return {
        "corruption_images": len(chosen),
        "corruption_accuracy": found.mean,
        "resembled": list(resembled),
        "corruption_accuracy_of_others": found.mean_without(*resembled),
        "jpeg_accuracy": found.jpeg,
        "corruptions": {name: float(np.mean(row)) for name, row in found.cells.items()},
    }


def known(
    study: Study, figures: Mapping[str, Any] | None, images: int
) -> dict[str, dict[int, Any]]:
    """By variant and seed what a results file has of these recipes and of as many images."""
    runs = known_runs(study, figures)
    return {
        name: {seed: run for seed, run in found.items() if run["corruption_images"] == images}
        for name, found in runs.items()
    }


def main() -> None:
    """Train what is lacking, evaluate it, and write the result after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="these alone, and base")
    parser.add_argument("--images", type=int, default=_IMAGES, help="held-out images to corrupt")
    parser.add_argument("--epochs", type=float, help="of base; of the others in proportion")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    given = parser.parse_args()
    chosen = list(dict.fromkeys(["base", *(given.variants or ROBUST.variants)]))
    unknown = [name for name in chosen if name not in ROBUST.variants]
    if unknown:
        parser.error(f"no variant {unknown[0]!r}; there are: {', '.join(ROBUST.variants)}")
    if given.epochs is not None and given.epochs <= 0:
        parser.error("--epochs takes more than 0")
    study, name = ROBUST, "robust_levers"
    if given.epochs:
        study, name = ROBUST.at(given.epochs), f"robust_levers_{given.epochs:g}_epochs"
    runs = known(study, result(name), given.images)
    wanted = [(seed, variant) for seed in given.seeds for variant in chosen]
    lacking = [(seed, variant) for seed, variant in wanted if seed not in runs.get(variant, {})]
    print(f"{len(wanted)} runs, {len(wanted) - len(lacking)} of them measured already")
    if lacking:
        each = training_speed(study.load("base", 0), seconds=_SPEED_SECONDS).expected_seconds
        print(f"the others train for about {duration(len(lacking) * each)}", flush=True)
    kept: dict[int, Kept] = {}
    for seed, variant in lacking:
        if seed not in kept:  # another seed holds out other images
            kept = {seed: Kept()}
        recipe = study.load(variant, seed)
        path = given.runs_dir / f"{name}-{variant.replace(',', '').replace(' ', '-')}-s{seed}"
        try:
            figures = measure(recipe, path, quiet=True)
            figures |= robust_figures(recipe, path, images=given.images, kept=kept[seed])
        except ThriftnetError as fault:
            sys.exit(str(fault))
        runs.setdefault(variant, {})[seed] = figures
        write_result(name, summarise(study, runs))
        print(
            f"{variant}, seed {seed}: {figures['accuracy_without_tta']:.2%}, under corruption "
            f"{figures['corruption_accuracy']:.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
