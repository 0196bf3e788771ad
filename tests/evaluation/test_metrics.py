"""Figures against plain NumPy and the equations that define them."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.evaluation.metrics import (
    confusion_matrix,
    expected_calibration_error,
    top_k_accuracy,
)


@pytest.fixture
def logits() -> Tensor:
    return 3 * torch.randn(500, 7, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels() -> Tensor:
    return torch.randint(7, (500,), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("k", [1, 2, 5, 7, 9])
def test_top_k_against_numpy(logits: Tensor, labels: Tensor, k: int):
    order = np.argsort(-logits.numpy(), axis=1)[:, :k]
    expected = np.mean([label in row for label, row in zip(labels.numpy(), order, strict=True)])
    assert top_k_accuracy(logits, labels, k=k) == pytest.approx(expected)


def test_confusion_has_labels_in_rows_and_predictions_in_columns():
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    predicted = torch.tensor([0, 1, 1, 1, 0, 2])
    assert confusion_matrix(predicted, labels, classes=4).tolist() == [
        [1, 2, 0, 0],
        [0, 1, 0, 0],
        [1, 0, 1, 0],
        [0, 0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (0, 10, 0.0, 3.841459 / 13.841459),  # of nothing: z^2 / (n + z^2)
        (10, 10, 10 / 13.841459, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_interval_at_its_ends(correct: int, total: int, low: float, high: float):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(("correct", "total"), [(9180, 10_000), (81, 263), (1, 3), (9999, 10_000)])
def test_wilson_bounds_solve_the_score_equation(correct: int, total: int):
    share = correct / total
    low, high = wilson_interval(correct, total)
    assert low < share < high
    for bound in (low, high):  # where the share lies 1.96 standard errors of the bound away
        score = abs(share - bound) / math.sqrt(bound * (1 - bound) / total)
        assert score == pytest.approx(1.959964, rel=1e-6)


@pytest.mark.parametrize("bins", [15, 4])
def test_calibration_error_against_a_plain_loop(logits: Tensor, labels: Tensor, bins: int):
    z = logits.double().numpy()
    shares = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    confidence, hit = shares.max(1), shares.argmax(1) == labels.numpy()
    expected = 0.0
    for index in range(bins):
        inside = (confidence >= index / bins) & (confidence < (index + 1) / bins)
        if inside.any():
            expected += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(logits, labels, bins=bins) == pytest.approx(
        expected, abs=1e-6
    )


def test_calibration_error_at_its_ends():
    sure = torch.tensor([[100.0, 0.0], [0.0, 100.0]])
    assert expected_calibration_error(sure, torch.tensor([0, 1])) == 0
    assert expected_calibration_error(sure, torch.tensor([1, 0])) == pytest.approx(1)
    unsure = torch.zeros(4, 2)
    assert expected_calibration_error(unsure, torch.tensor([0, 0, 1, 1])) == pytest.approx(0)
