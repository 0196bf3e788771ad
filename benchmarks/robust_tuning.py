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

from ablate import measure
from documents.quoting import result
from robust_levers import robust_figures
from robustness import Kept
from support.record import write_result
from support.robust_studies import TUNING, TUNING_EPOCHS
from thriftnet.errors import ThriftnetError
from thriftnet.recipe import Recipe, load_recipe
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
