"""What an evaluation found: metrics of one set of images, under several kinds of views."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from thriftnet.evaluation.calibration import CalibrationReport
from thriftnet.evaluation.card_check import CardCheck, check_card
from thriftnet.evaluation.class_metrics import ClassSummary, summarise_classes
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.evaluation.metrics import (
    confusion_matrix,
    cross_entropy,
    expected_calibration_error,
    top_k_accuracy,
)
from thriftnet.runs.evaluations import OWN_TEST, EvaluationKey
from thriftnet.weights.card import Card


@dataclass(frozen=True)
class Metrics:
    """The metrics under one kind of test-time augmentation."""

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
    by_class: ClassSummary
    """Recall, precision and F1 of each class, and balanced accuracy."""

    def summary(self) -> dict[str, Any]:
        """What fits in a line, but for `by_class`."""
        names = ("accuracy", "accuracy_interval", "top5", "loss", "calibration_error")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["by_class"]
        return {**own, **self.by_class.to_json()}


@dataclass(frozen=True)
class Evaluation:
    """A network's metrics on one set of images, under several kinds of views."""

    parameters: int
    macs: int
    precision: str
    results: tuple[Metrics, ...]
    """With the views that the recipe or the caller chose; then with `baseline_tta`."""
    data: str = OWN_TEST
    """`test`, or the name of another data set."""
    corruption: str = ""
    """Such as `contrast:3`; empty: the images as they are."""
    calibration: CalibrationReport | None = None
    """Of the probabilities with the chosen views; none where it was not asked for."""
    card: Card | None = None
    """What the network's card says, where it has one: shipped weights do."""
    not_kept: str | None = None
    """Why the metrics were not saved in the run; none where they were, and of a model file."""

    @property
    def chosen(self) -> Metrics:
        """With the views that the recipe or the caller chose."""
        return self.results[0]

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy with the chosen views, in [0, 1]."""
        return self.chosen.accuracy

    def key(self, metrics: Metrics) -> EvaluationKey:
        """By which the run keeps one of the results."""
        return EvaluationKey(metrics.tta, self.precision, self.data, self.corruption)

    @property
    def card_checks(self) -> tuple[CardCheck, ...]:
        """Each result that the card has a figure for; empty without a card."""
        if self.card is None or not self.key(self.chosen).is_test:
            return ()
        metrics = ((r.tta, r.accuracy, r.images) for r in self.results)
        return check_card(self.card, metrics, precision=self.precision)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `accuracy` and its companions are with the chosen views."""
        return {
            **self.chosen.to_json(),
            "parameters": self.parameters,
            "macs": self.macs,
            "precision": self.precision,
            "data": self.data,
            "corruption": self.corruption,
            "by_tta": {r.tta: {**r.summary(), **r.by_class.figures()} for r in self.results},
            "calibration": self.calibration.to_json() if self.calibration else None,
            "card": None if self.card is None else [c.to_json() for c in self.card_checks],
        }


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
        by_class=summarise_classes(confusion.numpy(), classes),
    )
