"""Evaluate a finished network on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from thriftnet.data import Dataset
from thriftnet.data.places import given_path
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.evaluation.corruptions.table import check_corruption, corrupt
from thriftnet.evaluation.images import check_classes, images_to_test, open_target
from thriftnet.evaluation.record import record_evaluation
from thriftnet.evaluation.results import Evaluation, read_logits
from thriftnet.inference.engine import Engine, OnProgress, no_progress
from thriftnet.inference.views import baseline_tta, choose_views
from thriftnet.models.describe import count_macs
from thriftnet.models.saved import SavedModel
from thriftnet.plain import to_stderr
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.predictions import Predictions
from thriftnet.runtime.device import Compute, choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.card import card_of


def evaluate(
    target: Path | str | SavedModel,
    *,
    data: Path | str | None = None,
    tta: str | None = None,
    corruption: str = "",
    device: str = "auto",
    precision: str = "auto",
    strict: bool = False,
    kept_in: RunFolder | None = None,
    on_progress: OnProgress = no_progress,
    say: Callable[[str], None] = to_stderr,
) -> Evaluation:
    """Evaluate a run or a model on the test images of its data set, or on other labelled images.

    A run keeps the latest evaluation per data set, corruption, views and precision.

    Args:
        target: The name of shipped weights, a run folder, a model file or a loaded model.
        data: Path of the images; None: those of the run, or CIFAR-10.
        tta: A key of `VIEWS`; None: the recipe's.
        corruption: Name and severity, such as `contrast:3`; empty: none.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        strict: Whether an unusable picture is an error.
        kept_in: The run folder that keeps the evaluation; None: the run's own, if it is one.
        on_progress: Called with the number of images done and the total.
        say: Called with one line of information at a time.

    Raises:
        RunError: There is no finished network at `target`, or its file is damaged.
        DataError: The data set cannot be opened, or its classes are not the network's.
    """
    model, run = open_target(target)
    card = card_of(model.about)
    tta = model.tta if tta is None else tta
    choose_views(tta)  # fail before fetching data
    compute = choose_compute(device=device, precision=precision)
    if corruption:
        check_corruption(corruption)
    source = given_path(data, "data")
    images, name = images_to_test(model, run, source, strict=strict, say=say)
    if corruption:
        images = replace(images, images=corrupt(images.images, corruption))
    evaluation, predictions = _run(model, images, compute=compute, tta=tta, on_progress=on_progress)
    chosen = predictions.logits[tta]
    probabilities = (
        calibration_report(chosen, predictions.labels) if np.isfinite(chosen).all() else None
    )
    evaluation = replace(evaluation, data=name, corruption=corruption, calibration=probabilities)
    kept_in = kept_in or run
    not_kept = record_evaluation(kept_in, evaluation, predictions) if kept_in else None
    return replace(evaluation, card=card, not_kept=not_kept)


def evaluate_on(model: SavedModel, dataset: Dataset, *, compute: Compute, tta: str) -> Evaluation:
    """Evaluate a network on labelled images of its classes.

    Raises:
        DataError: The images have other classes.
    """
    return _run(model, dataset, compute=compute, tta=tta)[0]


def _run(
    model: SavedModel,
    dataset: Dataset,
    *,
    compute: Compute,
    tta: str,
    on_progress: OnProgress = no_progress,
) -> tuple[Evaluation, Predictions]:
    check_classes(model, dataset)
    images = as_pixels(dataset.images, model.image_size)
    labels = torch.tensor(dataset.labels)

    kinds = (tta, baseline_tta(tta))
    logits = Engine.of(model, compute).side_by_side(images, kinds, on_progress=on_progress)
    evaluation = Evaluation(
        parameters=model.parameters,
        macs=count_macs(model.network, image_size=model.image_size),
        precision=compute.precision,
        results=tuple(
            read_logits(logits[kind], labels, classes=model.classes, tta=kind) for kind in kinds
        ),
    )
    arrays = {kind: values.numpy() for kind, values in logits.items()}
    return evaluation, Predictions(labels.numpy(), arrays)
