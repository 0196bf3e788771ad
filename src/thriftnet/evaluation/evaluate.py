"""Read a finished network on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thriftnet.data import Dataset
from thriftnet.errors import DataError, RunError
from thriftnet.evaluation.card_check import CardCheck, check_card
from thriftnet.evaluation.images import images_to_test
from thriftnet.evaluation.metrics import (
    confusion_matrix,
    cross_entropy,
    expected_calibration_error,
    top_k_accuracy,
    wilson_interval,
)
from thriftnet.inference.engine import Engine, Told, untold
from thriftnet.inference.views import baseline_tta, choose_views
from thriftnet.models.describe import count_macs
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.plain import to_stderr
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.predictions import Predictions
from thriftnet.runtime.device import Compute, choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.card import Card, card_of
from thriftnet.weights.find import find_model

_OTHER_IMAGES = "these are other images than its own test split"
_RECORD_SECONDS = 10.0
"""How long another evaluation of the same run is waited for: it records in much less."""


@dataclass(frozen=True)
class Metrics:
    """The figures of one way of reading the images."""

    tta: str
    images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95%, Wilson."""
    top5: float
    loss: float
    calibration_error: float
    per_class: dict[str, float | None]
    """Accuracy on the images of each class; none where there is no such image."""
    confusion: list[list[int]]
    """Row is the label, column the prediction."""

    def summary(self) -> dict[str, Any]:
        """What fits in a line."""
        names = ("accuracy", "accuracy_interval", "top5", "loss", "calibration_error")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Evaluation:
    """A network's figures, with and without test-time augmentation."""

    parameters: int
    macs: int
    precision: str
    chosen: Metrics
    """Read the way the recipe chose, or the caller."""
    other: Metrics
    """Without test-time augmentation; or mirrored, where the choice is to have none."""
    card: Card | None = None
    """What the network's card says, where it has one: shipped weights do."""
    not_kept: str | None = None
    """Why the run does not know of these figures; none where it does, and of a model file."""

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy of the chosen reading, in [0, 1]."""
        return self.chosen.accuracy

    @property
    def card_checks(self) -> tuple[CardCheck, ...]:
        """Each reading that the card has a figure for; empty without a card."""
        if self.card is None:
            return ()
        metrics = ((r.tta, r.accuracy, r.images) for r in (self.chosen, self.other))
        return check_card(self.card, metrics, precision=self.precision)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `accuracy` and its companions are of the chosen reading."""
        return {
            **vars(self.chosen),
            "parameters": self.parameters,
            "macs": self.macs,
            "precision": self.precision,
            "readings": {r.tta: r.summary() for r in (self.chosen, self.other)},
            "card": None if self.card is None else [c.to_json() for c in self.card_checks],
        }


def evaluate(
    target: Path | str | SavedModel,
    *,
    data: Path | str | None = None,
    tta: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    strict: bool = False,
    told: Told = untold,
    say: Callable[[str], None] = to_stderr,
) -> Evaluation:
    """Evaluate a run or a model on the test images of its data set, or on others of its classes.

    Args:
        target: The name of shipped weights, a run folder, a model file or a loaded model.
        data: Where the images are; none: those of the run, or CIFAR-10.
        tta: A key of `VIEWS`; none: what the recipe chose.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        strict: Whether a picture that is left out is an error.
        told: Called with the number of images that are done, and of all.
        say: Told, a line at a time, what is known of the images.

    Raises:
        RunError: There is no finished network at `target`, or its file is damaged.
        DataError: The data set cannot be had, or the network has other classes.
    """
    run = None
    if isinstance(target, SavedModel):
        model = target
    else:
        found = find_model(target)
        model, run = read_model(found.path), found.run
    card = card_of(model.about)
    tta = model.tta if tta is None else tta
    choose_views(tta)  # an unknown one is refused before any data are fetched
    compute = choose_compute(device=device, precision=precision)
    source = None if data is None else Path(data)
    test_set, own = images_to_test(model, run, source, strict=strict, say=say)
    evaluation, predictions = _read(model, test_set, compute=compute, tta=tta, told=told)
    not_kept = None
    if run is not None:
        not_kept = _record(run, evaluation, predictions) if own else _OTHER_IMAGES
    return replace(evaluation, card=card, not_kept=not_kept)


def evaluate_on(model: SavedModel, dataset: Dataset, *, compute: Compute, tta: str) -> Evaluation:
    """Read a network on any labelled images of its classes.

    Raises:
        DataError: The images have other classes.
    """
    return _read(model, dataset, compute=compute, tta=tta)[0]


def _read(
    model: SavedModel,
    dataset: Dataset,
    *,
    compute: Compute,
    tta: str,
    told: Told = untold,
) -> tuple[Evaluation, Predictions]:
    if dataset.classes != model.classes:
        raise DataError(
            f"the network knows {', '.join(model.classes)} and the images are of "
            f"{', '.join(dataset.classes)}; evaluate it on its own classes"
        )
    images = as_pixels(dataset.images, model.image_size)
    labels = torch.tensor(dataset.labels)

    other = baseline_tta(tta)
    logits = Engine.of(model, compute).side_by_side(images, (tta, other), told=told)

    def read(kind: str) -> Metrics:
        return read_logits(logits[kind], labels, classes=model.classes, tta=kind)

    evaluation = Evaluation(
        parameters=model.parameters,
        macs=count_macs(model.network, image_size=model.image_size),
        precision=compute.precision,
        chosen=read(tta),
        other=read(other),
    )
    said = {kind: values.numpy() for kind, values in logits.items()}
    return evaluation, Predictions(labels.numpy(), said)


def read_logits(logits: Tensor, labels: Tensor, *, classes: tuple[str, ...], tta: str) -> Metrics:
    """All figures of (N, classes) logits and (N,) labels."""
    predicted = logits.argmax(dim=1)
    confusion = confusion_matrix(predicted, labels, classes=len(classes))
    right, present = confusion.diagonal().tolist(), confusion.sum(dim=1).tolist()
    shares = [hits / count if count else None for hits, count in zip(right, present, strict=True)]
    correct, total = sum(right), len(labels)
    return Metrics(
        tta=tta,
        images=total,
        accuracy=correct / total,
        accuracy_interval=wilson_interval(correct, total),
        top5=top_k_accuracy(logits, labels, k=5),
        loss=cross_entropy(logits, labels),
        calibration_error=expected_calibration_error(logits, labels),
        per_class=dict(zip(classes, shares, strict=True)),
        confusion=confusion.tolist(),
    )


def _with_kept(run: RunFolder, new: Predictions, same: set[str]) -> Predictions:
    """Predictions with those that the run has of other ways of reading, in the same precision.

    `compare` asks for them when two runs were read in different ways.
    """
    try:
        kept = run.load_predictions()
    except RunError:  # damaged, and about to be mended
        kept = None
    if kept is None or not np.array_equal(kept.labels, new.labels):
        return new
    return replace(new, logits={k: v for k, v in kept.logits.items() if k in same} | new.logits)


def _record(run: RunFolder, evaluation: Evaluation, predictions: Predictions) -> str | None:
    """Keep the logits, and the figures in the run's metrics, unless they are the latest there.

    Returns:
        Why they could not be kept: a run that may only be read is read all the same.
    """
    try:
        with writing(run, wait=_RECORD_SECONDS):
            _append(run, evaluation, predictions)
    except RunError as fault:
        return str(fault)
    return None


def _append(run: RunFolder, evaluation: Evaluation, predictions: Predictions) -> None:
    line = {"kind": "test", "precision": evaluation.precision}
    tests = [entry for entry in run.metrics() if entry.get("kind") == "test"]
    latest = {entry.get("tta"): entry for entry in tests}
    for metrics in (evaluation.chosen, evaluation.other):
        entry = {**line, "tta": metrics.tta, **metrics.summary()}
        entry["accuracy_interval"] = list(metrics.accuracy_interval)
        if entry != latest.get(metrics.tta):
            run.append(entry)
    same = {str(tta) for tta, test in latest.items() if line.items() <= test.items()}
    run.save_predictions(_with_kept(run, predictions, same))
