"""Recall, precision and F1 per class, and balanced accuracy, for imbalanced data.

If one class has most of the test images, always predicting it gives a high accuracy, but a balanced
accuracy, the mean recall of the classes, at chance level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.inspection import IMBALANCED
from thriftnet.evaluation.intervals import Interval, mean_interval, wilson_interval


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class against all others, with 95% intervals."""

    images: int
    """Images of the class."""
    predicted: int
    """Images predicted as this class."""
    recall: float | None
    """Share of its images predicted correctly; None without images."""
    recall_interval: Interval | None
    """Wilson."""
    precision: float | None
    """Share of images predicted as this class that are correct; None without predictions."""
    precision_interval: Interval | None
    """Wilson."""
    f1: float | None
    """Harmonic mean of recall and precision; None without images."""
    f1_interval: Interval | None
    """F1 is 2s / (1 + s), where s is the share of correct predictions among images of this class or
    predicted as it; this transforms the Wilson interval of s."""


@dataclass(frozen=True)
class ClassSummary:
    """Metrics of all classes for a set of images."""

    classes: dict[str, ClassMetrics]
    balanced_accuracy: float
    """Mean recall of the classes that have images."""
    balanced_accuracy_interval: Interval
    """95%, over test images with the same number per class."""

    @property
    def imbalance(self) -> float:
        """Images of the largest class divided by those of the smallest non-empty one."""
        counts = [found.images for found in self.classes.values() if found.images]
        return max(counts) / min(counts) if counts else 1.0

    @property
    def imbalanced(self) -> bool:
        """Whether accuracy alone is misleading."""
        return self.imbalance >= IMBALANCED

    @property
    def majority(self) -> tuple[str, float]:
        """The class with the most images, and the accuracy of always predicting it."""
        name, most = max(self.classes.items(), key=lambda each: each[1].images)
        return name, most.images / sum(found.images for found in self.classes.values())

    def figures(self) -> dict[str, Any]:
        """The aggregated metrics, as JSON values."""
        return {
            "balanced_accuracy": self.balanced_accuracy,
            "balanced_accuracy_interval": list(self.balanced_accuracy_interval),
        }

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        classes = {name: asdict(found) for name, found in self.classes.items()}
        return {**self.figures(), "imbalance": self.imbalance, "classes": classes}


def summarise_classes(
    confusion: Sequence[Sequence[int]] | NDArray[np.integer], classes: Sequence[str]
) -> ClassSummary:
    """Compute the metrics of each class and the balanced accuracy.

    Args:
        confusion: (classes, classes) counts, rows are labels and columns predictions; not all 0.
        classes: Class names.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    each = [
        _class_metrics(int(counts[at, at]), int(counts[at].sum()), int(counts[:, at].sum()))
        for at in range(len(counts))
    ]
    recalls = [
        (m.recall, m.recall_interval)
        for m in each
        if m.recall is not None and m.recall_interval is not None
    ]
    return ClassSummary(dict(zip(classes, each, strict=True)), *mean_interval(recalls))


def _class_metrics(hits: int, images: int, predicted: int) -> ClassMetrics:
    recall = hits / images if images else None
    precision = hits / predicted if predicted else None
    either = images + predicted - hits
    f1 = f1_interval = None
    if images:
        f1 = 2 * hits / (images + predicted)
        low, high = wilson_interval(hits, either)
        f1_interval = (2 * low / (1 + low), 2 * high / (1 + high))
    return ClassMetrics(
        images=images,
        predicted=predicted,
        recall=recall,
        recall_interval=wilson_interval(hits, images) if images else None,
        precision=precision,
        precision_interval=wilson_interval(hits, predicted) if predicted else None,
        f1=f1,
        f1_interval=f1_interval,
    )
