"""How is a network fine-tuned against corruptions? One change at a time, on validation data.

    python benchmarks/robust_tuning.py                        # every variant
    python benchmarks/robust_tuning.py --variants base        # this one alone

Starts from runs/quick-companion, which `calibrate_shipped.py quick` trains: its recipe and seed
hold 5,000 training images out. Evaluates on those: clean, and with the 75 corruptions on some of
them. No test image is touched. One seed, as the companion has one. Each trained network is also
evaluated with shares of the initial weights kept, as `init.keep` does, which needs no training of
its own. What the results file has is not trained again, and a run that was cut goes on. Writes
results/robust_tuning.json after every run.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablate import measure, unseen
from documents.quoting import result
from robustness import Kept
from support.record import write_result
from support.robust_studies import KEPT, TUNING, TUNING_EPOCHS
from thriftnet.data import Dataset
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.evaluation.resemblance import resembled_corruptions
from thriftnet.evaluation.robustness import choose_images, classifier_of, evaluate_robustness
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.paths import model_file
from thriftnet.runtime.device import choose_compute
from thriftnet.training.averaging import Interpolation
from thriftnet.weights.find import find_model
from thriftnet.weights.initial import with_initial

_IMAGES = 500


def variant(name: str, companion: Path) -> Recipe:
    """The recipe `quick` from its companion, for a few epochs over all images but the held-out."""
    changes = [
        "data.val_ratio=0.1",
        f"init.weights={companion}",
        "init.body_lr=1",
        f"train.epochs={TUNING_EPOCHS}",
        "train.full_epochs=0",
        "train.hard_fraction=1",
        "train.sizes=[]",
        "train.stem_epochs=0",
        *TUNING[name],
    ]
    return with_initial(load_recipe("quick", changes))


def start_figures(companion: Path, *, images: int, kept: Kept) -> dict[str, Any]:
    """The figures of the network that every variant starts from."""
    recipe = RunFolder.open(companion).recipe()
    model = read_model(model_file(companion))
    return robust_figures(model, recipe, unseen(recipe), images=images, kept=kept)


def figures_by_share(recipe: Recipe, path: Path, *, images: int, kept: Kept) -> dict[str, Any]:
    """The trained network's figures by the share of the initial weights that is kept."""
    trained, rest = read_model(model_file(path)), unseen(recipe)
    assert recipe.init.weights
    start = read_model(find_model(recipe.init.weights).path).network
    return {
        f"{share:g}": robust_figures(
            replace(trained, network=Interpolation(start, keep=share).of(trained.network)),
            recipe,
            rest,
            images=images,
            kept=kept,
        )
        for share in KEPT
    }


def robust_figures(
    model: SavedModel, recipe: Recipe, rest: Dataset, *, images: int, kept: Kept
) -> dict[str, Any]:
    """Accuracy on clean and on corrupted images that a network did not see."""
    compute = choose_compute()
    clean = evaluate_on(model, rest, compute=compute, tta=model.tta)
    classify = classifier_of(Engine.of(model, compute), side=model.image_size, tta="none")
    chosen = choose_images(rest.labels, images)
    found = evaluate_robustness(classify, rest, chosen=chosen, generate=kept.generate)
    resembled = resembled_corruptions(recipe.augment)
    return {
        "accuracy": clean.accuracy,
        "accuracy_without_tta": clean.results[1].accuracy,
        "corruption_images": len(chosen),
        "corruption_accuracy": found.mean,
        "resembled": list(resembled),
        "corruption_accuracy_of_others": found.mean_without(*resembled),
        "jpeg_accuracy": found.jpeg,
        "corruptions": {name: float(np.mean(row)) for name, row in found.cells.items()},
    }


def main() -> None:
    """Train what is lacking, evaluate it, and write the result after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", nargs="+", choices=TUNING, default=list(TUNING))
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    given = parser.parse_args()
    before = result("robust_tuning") or {}
    start, measured = before.get("start"), before.get("variants", {})
    companion = (given.runs_dir / "quick-companion").absolute()
    kept = Kept()
    for name in given.variants:
        path = given.runs_dir / f"robust-tuning-{name.replace(', ', '-').replace(' ', '-')}"
        try:
            recipe = variant(name, companion)
            known = measured.get(name, {})
            if known.get("digest") == recipe.digest() and "kept" in known:
                continue
            start = start or start_figures(companion, images=_IMAGES, kept=kept)
            figures = measure(recipe, path, quiet=True)
            by_share = figures_by_share(recipe, path, images=_IMAGES, kept=kept)
        except ThriftnetError as fault:
            sys.exit(str(fault))
        measured[name] = {"overrides": list(TUNING[name]), **figures, "kept": by_share}
        for share, each in by_share.items():
            print(
                f"{name}, {float(share):.0%} kept: {each['accuracy_without_tta']:.2%}, under "
                f"corruption {each['corruption_accuracy']:.2%}, JPEG {each['jpeg_accuracy']:.2%}",
                flush=True,
            )
        rows = {each: measured[each] for each in TUNING if "kept" in measured.get(each, {})}
        content = {"epochs": TUNING_EPOCHS, "split": "validation", "start": start, "variants": rows}
        write_result("robust_tuning", content)


if __name__ == "__main__":
    main()
