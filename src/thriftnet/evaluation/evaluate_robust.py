"""Evaluates the robustness of a run or model, on generated or published corruptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from thriftnet.data import CIFAR10_CLASSES, Dataset, load_cifar10
from thriftnet.data.cifar10.published import CorruptedFiles, find_cifar10_c, open_cifar10_c
from thriftnet.data.places import given_path
from thriftnet.errors import DataError, RecipeError
from thriftnet.evaluation.images import check_classes, images_to_test, open_target
from thriftnet.evaluation.record import try_to_write
from thriftnet.evaluation.resemblance import resembled_by_training
from thriftnet.evaluation.robustness import (
    Robustness,
    choose_images,
    classifier_of,
    evaluate_robustness,
)
from thriftnet.inference.engine import Engine, OnProgress, no_progress
from thriftnet.inference.views import choose_views
from thriftnet.models.saved import SavedModel
from thriftnet.plain import to_stderr
from thriftnet.runtime.device import choose_compute


@dataclass(frozen=True)
class RobustEvaluation:
    """A network's robustness and the settings of the evaluation."""

    robustness: Robustness
    tta: str
    precision: str
    data: str
    """`test`, or the name of another data set."""
    resembled: tuple[str, ...] | None = None
    """Corruptions that the augmentation in training resembles; None: unknown."""
    not_kept: str | None = None
    """Why it was not saved in the run; None if it was or there is no run."""

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        how = {"tta": self.tta, "precision": self.precision, "data": self.data}
        return {**how, **self.robustness.to_json(), **unseen_kinds(self.robustness, self.resembled)}


def unseen_kinds(found: Robustness, resembled: tuple[str, ...] | None) -> dict[str, Any]:
    """Plain values: which corruptions training resembled, and the mean over the others."""
    if resembled is None:
        return {"resembled": None, "mean_without_resembled": None}
    return {"resembled": list(resembled), "mean_without_resembled": found.mean_without(*resembled)}


def robustness(
    target: Path | str | SavedModel,
    *,
    data: Path | str | None = None,
    tta: str = "none",
    images: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    strict: bool = False,
    on_progress: OnProgress = no_progress,
    say: Callable[[str], None] = to_stderr,
) -> RobustEvaluation:
    """Evaluate a network on corrupted test images.

    Args:
        target: The name of shipped weights, a run folder, a model file or a loaded model.
        data: Path of the images to corrupt, or of CIFAR-10-C as published, which replaces generated
            corruptions; None: the images of the run, or CIFAR-10.
        tta: A key of `VIEWS`. Published results use one view; six take six times as long.
        images: Number of test images, stratified by class; None: all.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        strict: Whether an unusable picture is an error.
        on_progress: Called with the number of corrupted sets done and the total.
        say: Called with one line of information at a time.

    Raises:
        RunError: There is no finished network at `target`, or its file is damaged.
        DataError: The images cannot be opened, or their classes are not the network's.
        RecipeError: `tta` or `images` is wrong.
    """
    model, run = open_target(target)
    choose_views(tta)
    if images is not None and images < 1:
        raise RecipeError(f"images={images} leaves nothing to classify; give 1 or more")
    compute = choose_compute(device=device, precision=precision)
    source = given_path(data, "data")
    published: CorruptedFiles | None = None
    if source is not None and (folder := find_cifar10_c(source)):
        published, dataset, name = *_published(folder, model, say=say), "cifar10-c"
    else:
        dataset, name = images_to_test(model, run, source, strict=strict, say=say)
    check_classes(model, dataset)
    measured = evaluate_robustness(
        classifier_of(Engine.of(model, compute), side=model.image_size, tta=tta),
        dataset,
        published=published,
        chosen=None if images is None else choose_images(dataset.labels, images),
        on_progress=on_progress,
    )
    resembled = resembled_by_training(model, run)
    evaluation = RobustEvaluation(measured, tta, compute.precision, name, resembled)
    if run is None:
        return evaluation
    line = {"kind": "robustness", **evaluation.to_json()}
    return replace(evaluation, not_kept=try_to_write(run, lambda: run.append(line)))


def _published(
    folder: Path, model: SavedModel, *, say: Callable[[str], None]
) -> tuple[CorruptedFiles, Dataset]:
    """CIFAR-10-C and the uncorrupted test images."""
    if model.classes != CIFAR10_CLASSES:
        raise DataError(
            f"{folder} is CIFAR-10-C and the network has the classes {', '.join(model.classes)}; "
            "give images of those classes"
        )
    files = open_cifar10_c(folder)
    _, test = load_cifar10(say=say)
    if not np.array_equal(files.labels, test.labels):
        raise DataError(
            f"{folder} has {len(files.labels):,} images per severity whose labels are not those of "
            "CIFAR-10's test images; get a new copy of CIFAR-10-C"
        )
    return files, test
