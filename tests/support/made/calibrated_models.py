"""Logits of networks whose calibration is known, and networks with a map in their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from thriftnet.data import Dataset
from thriftnet.models.build import build_model
from thriftnet.models.calibration import Calibration, CalibrationFigures, ViewCalibration
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run

CLASSES = ("red", "green", "blue", "white")
ARCHITECTURE: dict[str, Any] = {"family": "resnet", "blocks": [1], "channels": [4]}
SHIFTS = ((-1.0, 0.4), (0.5, -0.2), (2.0, 1.0))


def honest_logits(
    count: int, classes: int = 4, *, scale: float = 2.0, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits and labels that are drawn by their own probabilities: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, scale, (count, classes))
    draws = rng.random((count, 1))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < draws).sum(axis=1).clip(max=classes - 1)
    return logits, labels.astype(np.int64)


def pictures(count: int, *, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Dataset:
    """Noise with labels that nothing tells."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return Dataset(images, np.arange(count, dtype=np.int64) % len(classes), classes)


def model(**changes: Any) -> SavedModel:
    """An untrained network of four classes."""
    facts: dict[str, Any] = {
        "network": build_model(classes=len(CLASSES), seed=1, **ARCHITECTURE).eval(),
        "architecture": ARCHITECTURE,
        "classes": CLASSES,
        "mean": (0.4, 0.5, 0.6),
        "std": (0.2, 0.3, 0.4),
        "tta": "flip",
        "about": {"recipe": "smoke", "digest": load_recipe("smoke").digest()},
    }
    return SavedModel(**{**facts, **changes})


def view(temperature: float = 0.5, shifts: Any = SHIFTS, **changes: Any) -> ViewCalibration:
    """A map, as a fit leaves it."""
    figures = CalibrationFigures(nll=1.0, brier=0.5, error=0.1)
    given: dict[str, Any] = {"before": figures, "after": figures, "noise_floor": 0.01, **changes}
    return ViewCalibration(temperature=temperature, shifts=shifts, **given)


def calibration(digest: str = "", **views: ViewCalibration) -> Calibration:
    """Maps of some views; without any, one of each."""
    found = views or {"none": view(), "flip": view(0.7, ()), "flip_shift": view(0.6)}
    return Calibration(weights_sha256=digest, images=500, source="validation", views=found)


def make_run(
    path: Path, saved: SavedModel, *, val_ratio: float = 0.2, images: int = 500
) -> RunFolder:
    """A finished run of `smoke` whose network is `saved`."""
    recipe = load_recipe("smoke", [f"data.val_ratio={val_ratio}", "train.select=final"])
    run = create_run(path, recipe, {})
    held = round(images * val_ratio)
    counts = {"train_images": images - held, "val_images": held}
    run.append({"kind": "start", "step": 0, **counts, "steps": 1})
    run.append({"kind": "end", "step": 1, "seconds": 1.0, "images": 1, "pflop": 0.1})
    save_model(run.model_path, saved)
    return run
