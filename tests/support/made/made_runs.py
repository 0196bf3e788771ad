"""Run folders as training and evaluation leave them, without either."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from thriftnet.data import CIFAR10_CLASSES
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runs.predictions import Predictions

IMAGES = 2000


def rights(accuracy: float, *, seed: int, images: int = IMAGES) -> NDArray[np.bool_]:
    """(images,) of which that share is named rightly, most of them the same for every seed."""
    ease = np.random.default_rng(0).permutation(images)
    luck = np.random.default_rng(seed).normal(0, images / 40, images)
    return np.argsort(np.argsort(ease + luck)) < round(accuracy * images)


def predictions_of(
    right: NDArray[np.bool_], *, views: Iterable[str] = ("flip", "none"), classes: int = 10
) -> Predictions:
    """Logits that name just those images rightly; without mirror images, one less."""
    labels = np.arange(len(right), dtype=np.int64) % classes
    logits: dict[str, NDArray[np.float32]] = {}
    for tta in views:
        named = right.copy()
        if tta == "none":
            named[np.flatnonzero(right)[0]] = False
        said = np.where(named, labels, (labels + 1) % classes)
        logits[tta] = np.eye(classes, dtype=np.float32)[said]
    return Predictions(labels, logits)


def make_run(
    path: Path,
    *,
    recipe: str = "smoke",
    seed: int = 0,
    accuracy: float | None = 0.65,
    overrides: Iterable[str] = (),
    finished: bool = True,
    predictions: bool = True,
    epochs: int = 2,
    classes: tuple[str, ...] = CIFAR10_CLASSES,
    environment: Mapping[str, Any] | None = None,
) -> RunFolder:
    """A run of a shipped recipe.

    Args:
        path: Of the folder.
        recipe: A shipped one.
        seed: Of the recipe; also draws which images are named rightly.
        accuracy: Read with mirror images; none: it was never evaluated.
        overrides: Of the recipe.
        finished: Whether it has its final model.
        predictions: Whether the evaluation kept them.
        epochs: How many it has told of.
        classes: That its network knows.
        environment: Facts beside the usual.
    """
    chosen = load_recipe(recipe, overrides, seed=seed)
    facts = {"processor": "any", "threads": 2, "device": "cpu", "data": {"test_batch": "80"}}
    run = create_run(path, chosen, {**facts, **(environment or {})})
    start = {"parameters": 78_042, "macs": 12_501_632, "train_images": 45_000}
    run.append({"kind": "start", "step": 0, **start})
    for epoch in range(1, epochs + 1):
        figures = {"val_accuracy": 0.3 + epoch / 100, "seconds": 20.5 * epoch}
        run.append({"kind": "epoch", "epoch": epoch, "step": 180 * epoch, **figures})
    run.save_state({})
    if not finished:
        return run
    cost = {"seconds": 20.5 * epochs, "images": 45_000 * epochs, "pflop": 0.007}
    run.append({"kind": "end", "step": 180 * epochs, **cost})
    told = {"format": "thriftnet-model-1", "architecture": {}, "classes": list(classes)}
    told |= {"mean": [0.5] * 3, "std": [0.2] * 3, "image_size": 32, "tta": "none", "about": {}}
    metadata = {"thriftnet": json.dumps(told)}
    run.model_path.write_bytes(save({"weight": np.zeros(3, np.float32)}, metadata))
    run.best_path.write_bytes(run.model_path.read_bytes())
    if accuracy is not None:
        right = rights(accuracy, seed=seed)
        tta = chosen.evaluate.tta
        for reading in (tta, "none"):
            value = float(right.mean()) - (1 / IMAGES if reading == "none" != tta else 0)
            interval = [value - 0.02, value + 0.02]
            told = {"tta": reading, "accuracy": value, "accuracy_interval": interval}
            told |= {"top5": 0.97, "loss": 1.0, "calibration_error": 0.1}
            run.append({"kind": "test", "precision": "bf16", **told})
        if predictions:
            run.save_predictions(predictions_of(right, views={tta, "none"}))
    return run
