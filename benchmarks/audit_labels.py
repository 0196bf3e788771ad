"""How many flipped labels does an audit find, and what do corrected labels give back?

    python benchmarks/audit_labels.py symmetric 0.05
    python benchmarks/audit_labels.py look-alike 0.02 --recipe smoke

Flips the labels of a share of CIFAR-10's training images (seeded), to any other class or to one
that looks alike, audits them out of fold, and compares what was found with what was flipped:
precision and recall among as many as were flipped, and at the count of cleanlab. CIFAR-10 has wrong
labels of its own, which count as mistakes here. The recipe is then trained on the true labels, on
the flipped ones, and on those that the suggestions correct; test images judge. Resumable; writes
results/audit_labels.json after the audit and after these trainings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from documents.quoting import result
from support.record import PROVENANCE, write_result
from thriftnet.audit.folds import assign_folds
from thriftnet.audit.suspects import find_label_issues
from thriftnet.data import CIFAR10_MEAN, CIFAR10_STD, Dataset, load_cifar10
from thriftnet.data.near_duplicates.find import find_near_duplicates
from thriftnet.data.opened import open_arrays
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.home import cache_folder
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.interrupt import stop_on_signal
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.distributed.processes import ALONE
from thriftnet.training.images import prepare_tensors
from thriftnet.training.loop import fit
from thriftnet.training.progress import choose_progress
from thriftnet.training.recorder import Recorder
from thriftnet.training.runner import prepare_training
from thriftnet.training.setup import recipe_network

_FOLDS, _SEED = 5, 0
_LOOK_ALIKE = {0: 8, 1: 9, 2: 0, 3: 5, 4: 7, 5: 3, 6: 3, 7: 4, 8: 0, 9: 1}
"""A class that each of CIFAR-10's is taken for: ships for aeroplanes, dogs for cats."""

Labels = NDArray[np.int64]


def flipped(labels: Labels, *, kind: str, share: float) -> Labels:
    """Labels of which a share is another class."""
    rng = np.random.default_rng(_SEED)
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    other = labels.copy()
    if kind == "symmetric":
        other[chosen] = (labels[chosen] + rng.integers(1, 10, len(chosen))) % 10
    else:
        other[chosen] = [_LOOK_ALIKE[label] for label in labels[chosen].tolist()]
    return other


def trained(recipe: Recipe, train: Dataset, test: Dataset, path: Path) -> SavedModel:
    """A network of these labels; read back where it was trained before."""
    run = RunFolder(path)
    if not (path.exists() and run.finished):
        data = replace(open_arrays(train, test, name="cifar10"), mean=CIFAR10_MEAN, std=CIFAR10_STD)
        model = recipe_network(recipe, classes=len(train.classes))
        plan, state = prepare_training(recipe, data, model, ALONE, prepare_tensors)
        if path.exists() and run.saved.exist:
            state.load_checkpoint(run.load_state())
            run.rewind(state.step)
        elif not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            run = create_run(path, recipe, {})
        with stop_on_signal() as stop:
            recorder = Recorder(recipe, plan, state, run, choose_progress(quiet=False))
            if not fit(plan, state, recorder, stop):
                sys.exit("interrupted; run the same command again to continue")
    return read_model(run.model_path)


def out_of_fold(
    recipe: Recipe, train: Dataset, test: Dataset, groups: Labels, folder: Path
) -> NDArray[np.float64]:
    """(N, classes) probabilities, each image's by a network that never saw it."""
    fold_of = assign_folds(train.labels, groups, folds=_FOLDS)
    logits = np.empty((len(train), len(train.classes)))
    for fold in range(_FOLDS):
        held_out = np.flatnonzero(fold_of == fold)
        rest = train.subset(np.flatnonzero(fold_of != fold))
        model = trained(recipe, rest, test, folder / f"fold-{fold + 1}")
        images = as_pixels(train.images[held_out], model.image_size)
        logits[held_out] = Engine.of(model, choose_compute()).logits(images).numpy()
    return np.asarray(softmax(logits, axis=1))


def judged(found: NDArray[np.int64], wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Precision and recall of positions against flips."""
    right = int(wrong[found].sum())
    return {
        "found": len(found),
        "precision": right / max(1, len(found)),
        "recall": right / int(wrong.sum()),
    }


def measure(kind: str, share: float, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Flip, audit, correct, and train on each; yields after the audit and at the end."""
    train, test = load_cifar10()
    folder = cache_folder() / "benchmarks" / "audit" / f"{recipe.name}-{kind}-{share:g}"
    given = replace(train, labels=flipped(train.labels, kind=kind, share=share))
    groups = find_near_duplicates(train.images).groups
    probabilities = out_of_fold(recipe, given, test, groups, folder)
    wrong = given.labels != train.labels
    own = probabilities[np.arange(len(given)), given.labels]
    issues = find_label_issues(given.labels, probabilities)
    found: dict[str, Any] = {
        "flipped": int(wrong.sum()),
        "at_true_count": judged(np.argsort(own, kind="stable")[: int(wrong.sum())], wrong),
        "at_own_count": judged(issues, wrong),
        "accuracies": {},
        "regained": None,
        "commit": PROVENANCE["commit"],
    }
    yield found
    corrected = given.labels.copy()
    corrected[issues] = probabilities[issues].argmax(axis=1)
    labels = {"true": train.labels, "flipped": given.labels, "corrected": corrected}
    accuracies: dict[str, float] = {}
    for name, each in labels.items():
        place = folder.parent / f"{recipe.name}-true" if name == "true" else folder / name
        model = trained(recipe, replace(train, labels=each), test, place)
        accuracies[name] = evaluate_on(model, test, compute=choose_compute(), tta="none").accuracy
    lost = accuracies["true"] - accuracies["flipped"]
    regained = (accuracies["corrected"] - accuracies["flipped"]) / lost if lost else None
    yield {**found, "accuracies": accuracies, "regained": regained}


def main() -> None:
    """Measure one kind and share, and write it beside the others."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kind", choices=("symmetric", "look-alike"))
    options.add_argument("share", type=float)
    options.add_argument("--recipe", default="quick")
    given = options.parse_args()
    recipe = load_recipe(given.recipe, ["data.val_ratio=0", "train.select=final"])
    known = (result("audit_labels") or {}).get("audits", {})
    try:
        name = f"{recipe.name} {given.kind} {given.share:g}"
        for found in measure(given.kind, given.share, recipe):
            known[name] = found
            write_result("audit_labels", {"folds": _FOLDS, "audits": dict(sorted(known.items()))})
    except ThriftnetError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
