"""Which weights do small classes need, in the loss or in what is drawn?

    python benchmarks/balance.py --tuxpaint DIR --cells DIR [--seeds 3]

Trains a small residual network on three imbalanced sets, each in six ways: as they are; with
weights in the loss by the square root of the classes' sizes, by the sizes, and by Cui et al.'s
effective numbers (beta 0.99); and with images drawn by the root and by the sizes. A quarter of the
training pictures, held out by class, gives accuracy and balanced accuracy; test pictures are not
looked at. CIFAR-10 is cut to 2,000, 1,300 ... 40 images of a class, a ratio of 50. Tux Paint's
stamps are the Debian package `tuxpaint-stamps-default`, of which the folders of at least 20
pictures are used; the solar cells are `elpv-dataset` of PyPI, in four classes. Takes some 8
minutes on two cores. Writes results/balance.json.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from support.record import write_result
from thriftnet.data import balance, load_cifar10
from thriftnet.data.opened import OpenDataset, open_arrays
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.evaluation.class_metrics import summarise_classes
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.training.images import prepare_tensors
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network

LEAST = 20
"""Pictures of a folder of Tux Paint that is used."""
LARGEST, SMALLEST = 2000, 40
"""Images of CIFAR-10's largest and smallest class."""


def by_size(labels: Tensor, *, classes: int, power: float) -> Tensor:
    """Weights n ** -power, of mean 1 over the images."""
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    return _of_mean_one(counts, counts.clamp(min=1) ** -power)


def by_effective_number(labels: Tensor, *, classes: int, beta: float) -> Tensor:
    """Weights (1 - beta) / (1 - beta ** n) of Cui et al., arXiv 1901.05555, of mean 1."""
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    return _of_mean_one(counts, (1 - beta) / (1 - beta ** counts.clamp(min=1)))


def _of_mean_one(counts: Tensor, weights: Tensor) -> Tensor:
    return (weights * counts.sum() / (counts @ weights)).float()


Weights = Callable[..., Tensor]
ROOT, INVERSE = partial(by_size, power=0.5), partial(by_size, power=1.0)
EFFECTIVE = partial(by_effective_number, beta=0.99)
WAYS: dict[str, tuple[str, Weights]] = {
    "none": ("none", ROOT),
    "loss, root": ("loss", ROOT),
    "loss, size": ("loss", INVERSE),
    "loss, effective number 0.99": ("loss", EFFECTIVE),
    "sampling, root": ("sampling", ROOT),
    "sampling, size": ("sampling", INVERSE),
}


def long_tail() -> OpenDataset:
    """CIFAR-10 with fewer and fewer images of each class."""
    train, _ = load_cifar10()
    counts = np.geomspace(LARGEST, SMALLEST, 10).round().astype(int)
    kept = [np.flatnonzero(train.labels == label)[:count] for label, count in enumerate(counts)]
    return open_arrays(train.subset(np.sort(np.concatenate(kept))), name="long tail")


def stamps(source: Path, place: Path) -> OpenDataset:
    """The larger folders of Tux Paint's stamps."""
    for folder in sorted(each for each in source.iterdir() if each.is_dir()):
        pictures = sorted(folder.rglob("*.png"))
        if len(pictures) >= LEAST:
            (place / folder.name).mkdir(parents=True)
            for number, picture in enumerate(pictures):
                shutil.copy(picture, place / folder.name / f"{number}.png")
    return open_dataset(DatasetSpec(source=place, image_size=32), say=lambda _: None)


def cells(source: Path) -> OpenDataset:
    """Solar cells in the four classes of their table."""
    spec = DatasetSpec(source=source / "labels.csv", image_size=32)
    return open_dataset(spec, say=lambda _: None)


def recipe_for(images: int, kind: str, seed: int) -> Recipe:
    """A small network, trained for about 500 steps of 100 images, or 12 epochs."""
    epochs = max(12, round(50_000 / images))
    changes = [f"data.balance={kind}", "data.val_ratio=0.25", f"train.epochs={epochs}"]
    changes += ["train.batch_size=100", "train.precision=fp32", "schedule.warmup_epochs=2"]
    changes += ["train.label_smoothing=0.1", "optim.lr=0.05"]
    return load_recipe("smoke", changes, seed=seed)


def train_once(data: OpenDataset, kind: str, weights: Weights, seed: int) -> dict[str, float]:
    """Train, and evaluate on the pictures that were held out."""
    balance.class_weights = weights
    recipe = recipe_for(len(data.split("train")), kind, seed)
    model = recipe_network(recipe, classes=len(data.classes))
    plan = make_plan(recipe, data, model, prepare=prepare_tensors)
    state = make_state(recipe, plan, model)
    while state.step < plan.total_steps:
        epoch, _ = plan.epochs.locate(state.step)
        for batch in plan.order(epoch, state.losses).split(plan.batch_size):
            train_step(plan, state, batch, epoch=epoch)
    logits = plan.engine(state.network).logits(plan.val_images)
    count, labels = len(data.classes), plan.val_labels.cpu()
    table = torch.bincount(labels * count + logits.argmax(1), minlength=count**2).view(count, count)
    found = summarise_classes(table.numpy(), data.classes)
    return {
        "accuracy": float(table.diagonal().sum() / table.sum()),
        "balanced_accuracy": found.balanced_accuracy,
    }


def measure(data: OpenDataset, seeds: int) -> dict[str, Any]:
    """Every way over several seeds."""
    counts = np.bincount(data.split("train").labels, minlength=len(data.classes))
    ways: dict[str, Any] = {}
    for name, (kind, weights) in WAYS.items():
        runs = [train_once(data, kind, weights, seed) for seed in range(seeds)]
        means = {key: statistics.fmean(run[key] for run in runs) for key in runs[0]}
        ways[name] = {**means, "runs": runs}
        print(f"  {name:<32} {means['accuracy']:.4f} {means['balanced_accuracy']:.4f}", flush=True)
    return {"images": int(counts.sum()), "counts": counts.tolist(), "ways": ways}


def main() -> None:
    """Train all, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuxpaint", type=Path, required=True, help="the folder `stamps`")
    parser.add_argument("--cells", type=Path, required=True, help="the folder of labels.csv")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        sets = {
            "CIFAR-10, long tail": long_tail,
            "Tux Paint's stamps": lambda: stamps(given.tuxpaint, Path(place) / "stamps"),
            "solar cells": lambda: cells(given.cells),
        }
        for name, opened in sets.items():
            print(name, flush=True)
            found[name] = measure(opened(), given.seeds)
    write_result("balance", {"seeds": given.seeds, "sets": found})


if __name__ == "__main__":
    main()
