"""What does each ingredient give? One recipe with one thing changed at a time, on validation data.

    python benchmarks/ablate.py quick --seeds 0 1 2

Trains on 45,000 images and reads the 5,000 held out; the test images are never touched. Variants
stand in STUDIES below. A run that is there already is read, one that was cut is resumed, so a
study can be spread over many sittings. Writes results/ablation_NAME.json after every run.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from record import write_result
from thriftnet.data import Dataset, load_cifar10, stratified_split
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.models.saved import read_model
from thriftnet.recipe import load_recipe
from thriftnet.training.device import choose_compute
from thriftnet.training.progress import choose_progress
from thriftnet.training.run import RunFolder
from thriftnet.training.run_paths import model_file
from thriftnet.training.start import resume_run, start_run


@dataclass(frozen=True)
class Study:
    """One recipe at a horizon that can be afforded, and what is changed in it."""

    recipe: str
    horizon: tuple[str, ...]
    """Changes to the recipe that every variant shares."""
    variants: dict[str, tuple[str, ...]]
    """Each does as many operations as `base`, to a percent, unless its name says otherwise."""


STUDIES = {
    "quick": Study(
        recipe="quick",
        horizon=("train.epochs=5",),
        variants={
            "base": (),
            "every image in every epoch": (
                "train.full_epochs=0",
                "train.hard_fraction=1",
                "train.epochs=3.5",
            ),
            "hardest half after one epoch": ("train.full_epochs=1", "train.sizes=[[1, 24]]"),
            "hardest third after two epochs": ("train.hard_fraction=0.33333", "train.epochs=6.5"),
            "whole images from the start": ("train.sizes=[]", "train.epochs=3"),
            "two half epochs at 28 pixels": ("train.sizes=[[2, 24], [4, 28]]", "train.epochs=5.5"),
            "2x2 stem": ("model.stem_kernel=2", "train.epochs=4.63"),
            "stem bias trained in all epochs": ("train.stem_epochs=null",),
            "no residual connections": ("model.residual=false",),
            "batches of 2,000": ("train.batch_size=2000", "optim.lr=0.24"),
            "batches of 500": ("train.batch_size=500", "optim.lr=0.12"),
            "learning rate 0.24": ("optim.lr=0.24",),
            "learning rate 0.12": ("optim.lr=0.12",),
            "momentum 0.85": ("optim.momentum=0.85",),
            "ReLU": ("model.activation=relu",),
            "SiLU": ("model.activation=silu",),
            "random flips": ("augment.flip=random",),
            "no label smoothing": ("train.label_smoothing=0",),
            "averaged weights": ("train.ema_decay=0.9",),
        },
    ),
}


def measure(recipe_name: str, overrides: Sequence[str], seed: int, path: Path) -> dict[str, Any]:
    """Train one variant with one seed, unless it is there, and read its validation images."""
    recipe = load_recipe(recipe_name, ["data.val_ratio=0.1", *overrides], seed=seed)
    if not path.exists():
        progress = choose_progress()
        run = start_run(recipe, name=path.name, runs_dir=path.parent, progress=progress)
    elif RunFolder.open(path).recipe() != recipe:
        raise SystemExit(f"{path} was trained by another recipe; move it away and run again")
    else:
        run = resume_run(path, progress=choose_progress())
    if not run.finished:
        raise SystemExit(f"interrupted; run the same command again to go on with {path}")
    model = read_model(model_file(path))
    compute = choose_compute()
    found = evaluate_on(model, _held_out(seed), compute=compute, tta=model.tta)
    lines = (path / "metrics.jsonl").read_text().splitlines()
    end = next(line for line in map(json.loads, lines) if line["kind"] == "end")
    return {
        "seed": seed,
        "accuracy": found.accuracy,
        "accuracy_without_tta": found.other.accuracy,
        "pflop": end["pflop"],
        "seconds": end["seconds"],
    }


def _held_out(seed: int) -> Dataset:
    train_set, _ = load_cifar10()
    _, held_out = stratified_split(train_set.labels, val_ratio=0.1, seed=seed)
    return train_set.subset(held_out)


def main() -> None:
    """Run a study and write its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="these variants alone")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    study = STUDIES[arguments.study]
    chosen = {k: v for k, v in study.variants.items() if not arguments.only or k in arguments.only}
    found: dict[str, Any] = {}
    for seed in arguments.seeds:
        for name, overrides in chosen.items():
            slug = name.replace(" ", "-").replace(",", "")
            path = arguments.runs_dir / f"ablation-{arguments.study}-{slug}-seed{seed}"
            entry = found.setdefault(name, {"overrides": list(overrides), "runs": []})
            changes = (*study.horizon, *overrides)
            entry["runs"].append(measure(study.recipe, changes, seed, path))
            entry["mean_accuracy"] = statistics.mean(run["accuracy"] for run in entry["runs"])
            write_result(
                f"ablation_{arguments.study}",
                {
                    "recipe": study.recipe,
                    "horizon": list(study.horizon),
                    "split": "validation",
                    "seeds": arguments.seeds,
                    "variants": found,
                },
            )


if __name__ == "__main__":
    main()
