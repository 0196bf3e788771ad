"""The result of an evaluation: metrics of a set of images per test-time augmentation."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from thriftnet.evaluation.calibration import CalibrationReport
from thriftnet.evaluation.card_check import CardCheck, check_card
from thriftnet.evaluation.class_metrics import ClassSummary, summarise_classes
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.evaluation.metrics import (
    confusion_matrix,
    expected_calibration_error,
    top_k_accuracy,
)
from thriftnet.runs.evaluations import OWN_TEST, EvaluationKey
from thriftnet.weights.card import Card


@dataclass(frozen=True)
class Metrics:
    """Metrics under one test-time augmentation."""

    tta: str
    images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95%, Wilson."""
    top5: float
    loss: float
    calibration_error: float
    per_class: dict[str, float | None]
    """Accuracy per class; None for a class without images."""
    confusion: list[list[int]]
    """Rows are labels, columns predictions."""
    by_class: ClassSummary
    """Recall, precision and F1 of each class, and balanced accuracy."""

    def summary(self) -> dict[str, Any]:
        """The scalar metrics, without `by_class`."""
        names = ("accuracy", "accuracy_interval", "top5", "loss", "calibration_error")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["by_class"]
        return {**own, **self.by_class.to_json()}


@dataclass(frozen=True)
class Evaluation:
    """A network's metrics on a set of images, per test-time augmentation."""

    parameters: int
    macs: int
    precision: str
    results: tuple[Metrics, ...]
    """With the selected views, then with `baseline_tta`."""
    data: str = OWN_TEST
    """`test`, or the name of another data set."""
    corruption: str = ""
    """Such as `contrast:3`; empty: none."""
    calibration: CalibrationReport | None = None
    """With the selected views; None if not computed."""
    card: Card | None = None
    """The network's card; only shipped weights have one."""
    not_kept: str | None = None
    """Why the metrics were not saved in the run; None if they were or there is no run."""

    @property
    def chosen(self) -> Metrics:
        """The metrics with the selected views."""
        return self.results[0]

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy with the selected views, in [0, 1]."""
        return self.chosen.accuracy

    def key(self, metrics: Metrics) -> EvaluationKey:
        """The key of a result in the run."""
        return EvaluationKey(metrics.tta, self.precision, self.data, self.corruption)

    @property
    def card_checks(self) -> tuple[CardCheck, ...]:
        """Comparison of the results with the card; empty without a card."""
        if self.card is None or not self.key(self.chosen).is_test:
            return ()
        metrics = ((r.tta, r.accuracy, r.images) for r in self.results)
        return check_card(self.card, metrics, precision=self.precision)

    def to_json(self) -> dict[str, Any]:
        """JSON values; `accuracy` and the other metrics are with the selected views."""
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
    """Compute all metrics of (N, classes) logits and (N,) labels."""
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
        loss=F.cross_entropy(logits, labels).item(),
        calibration_error=expected_calibration_error(logits, labels),
        per_class=dict(zip(classes, shares, strict=True)),
        confusion=confusion.tolist(),
        by_class=summarise_classes(confusion.numpy(), classes),
    )
