"""How is a network fine-tuned against corruptions? One change at a time, on validation data.

    python benchmarks/robust_tuning.py                        # every variant
    python benchmarks/robust_tuning.py --variants base        # this one alone

Starts from runs/quick-companion, which `calibrate_shipped.py quick` trains: its recipe and seed
hold 5,000 training images out. Evaluates on those: clean, and with the 75 corruptions on some of
them. No test image is touched. One seed, as the companion has one. What the results file has is
not trained again, and a run that was cut goes on. Writes results/robust_tuning.json after every
run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ablate import measure, unseen
from documents.quoting import result
from robustness import Kept
from support.record import write_result
from support.robust_studies import TUNING, TUNING_EPOCHS
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.resemblance import resembled_corruptions
from thriftnet.evaluation.robustness import choose_images, classifier_of, evaluate_robustness
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.paths import model_file
from thriftnet.runtime.device import choose_compute
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


def main() -> None:
    """Train what is lacking, evaluate it, and write the result after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", nargs="+", choices=TUNING, default=list(TUNING))
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    given = parser.parse_args()
    measured: dict[str, Any] = (result("robust_tuning") or {"variants": {}})["variants"]
    kept = Kept()
    for name in given.variants:
        path = given.runs_dir / f"robust-tuning-{name.replace(', ', '-').replace(' ', '-')}"
        try:
            recipe = variant(name, (given.runs_dir / "quick-companion").absolute())
            if measured.get(name, {}).get("digest") == recipe.digest():
                continue
            figures = measure(recipe, path, quiet=True)
            figures |= robust_figures(recipe, path, images=_IMAGES, kept=kept)
        except ThriftnetError as fault:
            sys.exit(str(fault))
        measured[name] = {"overrides": list(TUNING[name]), **figures}
        print(
            f"{name}: {figures['accuracy_without_tta']:.2%}, under corruption "
            f"{figures['corruption_accuracy']:.2%}, JPEG {figures['jpeg_accuracy']:.2%}",
            flush=True,
        )
        rows = {each: measured[each] for each in TUNING if each in measured}
        write_result(
            "robust_tuning", {"epochs": TUNING_EPOCHS, "split": "validation", "variants": rows}
        )


if __name__ == "__main__":
    main()
