"""Metrics of logits and labels."""

from __future__ import annotations

import torch
from torch import Tensor


def top_k_accuracy(logits: Tensor, labels: Tensor, *, k: int) -> float:
    """Share of images whose label is among the k largest logits.

    Args:
        logits: (N, classes).
        labels: (N,) int64.
        k: Capped at the number of classes.
    """
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1).float().mean().item()


def confusion_matrix(predicted: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """(classes, classes) int64 counts: rows are labels, columns predictions."""
    cells = labels * classes + predicted
    return torch.bincount(cells, minlength=classes * classes).view(classes, classes)


def expected_calibration_error(logits: Tensor, labels: Tensor, *, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Guo et al. 2017)."""
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    hit = (predicted == labels).double()
    at = (confidence * bins).long().clamp_(max=bins - 1)
    gap = torch.zeros(bins, dtype=torch.float64)
    gap.index_add_(0, at, hit - confidence.double())
    return (gap.abs().sum() / len(labels)).item()
