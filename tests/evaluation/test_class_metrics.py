"""Recall, precision, F1 and balanced accuracy against plain counts, and their intervals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from thriftnet.evaluation.class_metrics import summarise_classes
from thriftnet.evaluation.intervals import mean_interval, wilson_interval

COUNTS = [[90, 10, 0, 0], [4, 6, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
NAMES = ("large", "small", "missed", "untested")


def test_each_class_against_plain_counts() -> None:
    found = summarise_classes(COUNTS, NAMES).classes
    assert [m.images for m in found.values()] == [100, 10, 1, 0]
    assert [m.predicted for m in found.values()] == [94, 17, 0, 0]
    assert [m.recall for m in found.values()] == [0.9, 0.6, 0.0, None]
    assert [m.precision for m in found.values()] == [90 / 94, 6 / 17, None, None]
    assert [m.f1 for m in found.values()] == pytest.approx([180 / 194, 12 / 27, 0.0, None])
    large = found["large"]
    assert large.recall_interval == wilson_interval(90, 100)
    assert large.precision_interval == wilson_interval(90, 94)
    for each in found.values():
        if each.f1 is not None and each.f1_interval is not None:
            assert each.f1_interval[0] <= each.f1 <= each.f1_interval[1]


def test_f1_is_the_harmonic_mean_and_its_limits_those_of_the_share_it_follows() -> None:
    large = summarise_classes(COUNTS, NAMES).classes["large"]
    assert large.recall is not None
    assert large.precision is not None
    assert large.f1 == pytest.approx(2 / (1 / large.recall + 1 / large.precision))
    low, high = wilson_interval(90, 104)  # of the class, predicted as it, or both
    assert large.f1_interval == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_who_always_answers_the_largest_class_has_the_balanced_accuracy_of_guessing() -> None:
    found = summarise_classes([[95, 0], [5, 0]], ("usual", "rare"))
    assert found.balanced_accuracy == 0.5
    assert (found.imbalance, found.imbalanced) == (19.0, True)
    low, high = found.balanced_accuracy_interval
    assert low < 0.5 < high
    assert not summarise_classes([[50, 0], [26, 0]], ("a", "b")).imbalanced


def test_classes_without_images_do_not_count() -> None:
    found = summarise_classes(COUNTS, NAMES)
    assert found.balanced_accuracy == pytest.approx((0.9 + 0.6 + 0.0) / 3)
    assert found.imbalance == 100
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["classes"]["untested"]["recall"] is None
    assert told["balanced_accuracy"] == found.balanced_accuracy
    assert told["classes"]["small"]["f1"] == pytest.approx(12 / 27)


def test_balanced_classes_have_the_accuracy_as_their_mean_recall() -> None:
    counts = np.array([[8, 1, 1], [2, 7, 1], [0, 0, 10]])
    assert summarise_classes(counts, "abc").balanced_accuracy == pytest.approx(25 / 30)


@pytest.mark.parametrize(
    ("recalls", "counts"),
    [((0.9, 0.7), (200, 20)), ((0.95, 0.5, 0.8, 0.99), (300, 12, 40, 9)), ((1.0, 0.97), (50, 8))],
)
def test_the_interval_holds_the_true_value_95_times_of_100(
    recalls: tuple[float, ...], counts: tuple[int, ...]
) -> None:
    draws = np.random.default_rng(0).binomial(counts, recalls, (2000, len(counts)))
    held = 0
    for hits in draws.tolist():
        shares = [(h / n, wilson_interval(h, n)) for h, n in zip(hits, counts, strict=True)]
        _, (low, high) = mean_interval(shares)
        held += low <= np.mean(recalls) <= high
    assert 0.93 <= held / len(draws) <= 0.995


def test_the_interval_has_a_width_where_every_image_is_right() -> None:
    low, high = summarise_classes([[30, 0], [0, 5]], "ab").balanced_accuracy_interval
    assert (low < 0.9, high) == (True, 1.0)
