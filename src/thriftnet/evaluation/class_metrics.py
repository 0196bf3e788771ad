"""Recall, precision and F1 of each class, and their mean recall: what imbalanced data need.

Of a test set in which one class has most images, a network that always answers that class has a
high accuracy. Its balanced accuracy, the mean recall of the classes, is that of guessing.
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
    """One class, against all others. Intervals are of 95%."""

    images: int
    """Of the class."""
    predicted: int
    """Images, of whatever class, that were predicted as it."""
    recall: float | None
    """Share of its images that were predicted as it; none without images."""
    recall_interval: Interval | None
    """Wilson."""
    precision: float | None
    """Share of the images predicted as it that are of it; none where none was."""
    precision_interval: Interval | None
    """Wilson, of as many predictions."""
    f1: float | None
    """Harmonic mean of recall and precision; none without images."""
    f1_interval: Interval | None
    """2s / (1 + s) of Wilson's interval of s, the share of the images of this class or predicted as
    it that are both: F1 is that function of s."""


@dataclass(frozen=True)
class ClassSummary:
    """All classes of a set of images."""

    classes: dict[str, ClassMetrics]
    balanced_accuracy: float
    """Mean recall of the classes that have images."""
    balanced_accuracy_interval: Interval
    """95%, over other test images with as many of each class."""

    @property
    def imbalance(self) -> float:
        """Images of the largest class per image of the smallest that has any."""
        counts = [found.images for found in self.classes.values() if found.images]
        return max(counts) / min(counts) if counts else 1.0

    @property
    def imbalanced(self) -> bool:
        """Whether accuracy alone would mislead."""
        return self.imbalance >= IMBALANCED

    def figures(self) -> dict[str, Any]:
        """What fits in a line."""
        return {
            "balanced_accuracy": self.balanced_accuracy,
            "balanced_accuracy_interval": list(self.balanced_accuracy_interval),
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        classes = {name: asdict(found) for name, found in self.classes.items()}
        return {**self.figures(), "imbalance": self.imbalance, "classes": classes}


def summarise_classes(
    confusion: Sequence[Sequence[int]] | NDArray[np.integer], classes: Sequence[str]
) -> ClassSummary:
    """Metrics of each class and their mean recall.

    Args:
        confusion: (classes, classes) counts: row is the label, column the prediction; not all 0.
        classes: Their names.
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
