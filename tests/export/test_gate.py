"""An export that says something else is refused, whatever the difference is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from thriftnet.errors import ExportMismatchError
from thriftnet.export.gate import Check, compare, fault_of
from thriftnet.export.job import EXACT, INT8, Tolerance
from thriftnet.export.pictures import Pictures

Bytes = NDArray[np.uint8]
IMAGES = np.random.default_rng(0).integers(0, 256, (200, 4, 4, 3), np.uint8)
LABELS = IMAGES.mean(axis=(1, 2)).argmax(axis=1)
PICTURES = Pictures(IMAGES[:0], IMAGES, LABELS, "200 test pictures")


def network(images: Bytes) -> NDArray[np.float32]:
    """Each channel's share: labels are always right."""
    means = images.mean(axis=(1, 2))
    return (means / means.sum(1, keepdims=True)).astype(np.float32)


EXPECTED = network(IMAGES)


def test_the_same_network_passes_at_every_batch():
    told: list[tuple[int, int]] = []
    check = compare(
        network, EXPECTED, PICTURES, on_progress=lambda done, of: told.append((done, of))
    )
    assert set(check.largest_difference) == {1, 7, 64}
    assert max(check.largest_difference.values()) < 1e-7
    assert (check.equal_answers, check.accuracy, check.accuracy_fp32) == (1, 1, 1)
    assert fault_of(check, EXACT) is None
    assert told[-1] == (600, 600)


def wrong_bias(images: Bytes) -> NDArray[np.float32]:
    return network(images) + np.float32(2e-5)


def wrong_at_one(images: Bytes) -> NDArray[np.float32]:
    return network(images) + np.float32(1e-3 if len(images) == 1 else 0)


def wrong_at_the_end_of_a_batch(images: Bytes) -> NDArray[np.float32]:
    found = network(images)
    found[63:] = found[:1]
    return found


@pytest.mark.parametrize("run", [wrong_bias, wrong_at_one, wrong_at_the_end_of_a_batch])
def test_a_difference_is_found_at_the_batch_where_it_is(run):
    fault = fault_of(compare(run, EXPECTED, PICTURES), EXACT)
    assert fault is not None
    batch = {"wrong_at_one": 1, "wrong_at_the_end_of_a_batch": 64}.get(run.__name__)
    assert batch is None or f"at batch {batch}," in fault


def frozen(images: Bytes) -> NDArray[np.float32]:
    if len(images) != 2:
        raise RuntimeError("Got invalid dimensions for input: images\n index: 0 Got: 1 Expected: 2")
    return network(images)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (frozen, r"fails at batch 1 \(Got invalid dimensions for input: images index: 0"),
        (lambda images: network(images)[:1], r"gives \(1, 3\) float32 at batch 7"),
        (lambda images: network(images)[:, :2], r"gives \(1, 2\) float32 at batch 1"),
        (lambda images: network(images) * np.float32("nan"), "where finite"),
    ],
    ids=["frozen batch", "one answer", "two classes", "nan"],
)
def test_an_export_that_fails_is_told_in_one_line(run, said: str):
    with pytest.raises(ExportMismatchError, match=said) as caught:
        compare(run, EXPECTED, PICTURES)
    assert "nothing was written" in str(caught.value)


GOOD = Check(
    pictures=2000,
    source="",
    largest_difference={1: 0.1, 7: 0.1, 64: 0.1},
    equal_answers=0.99,
    accuracy=0.95,
    accuracy_fp32=0.952,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"equal_answers": 0.985}, None),
        ({"equal_answers": 0.98}, "only 98.00% of the answers are equal"),
        ({"accuracy": 0.94}, "1.20 points of accuracy are lost"),
        ({"accuracy": 0.97}, None),  # better is no fault
        ({"accuracy": None, "accuracy_fp32": None}, None),
        ({"pictures": 40, "equal_answers": 0.975}, None),  # one of forty
        ({"pictures": 40, "equal_answers": 0.95}, "only 95.00%"),
    ],
    ids=str,
)
def test_int8_is_judged_by_answers_and_accuracy(change: dict[str, float], said: str | None):
    fault = fault_of(replace(GOOD, **change), INT8)
    assert (fault is None) if said is None else (fault or "").startswith(said)


def test_probabilities_that_are_not_numbers_never_pass():
    nowhere = replace(GOOD, largest_difference={1: float("nan")})
    assert fault_of(nowhere, Tolerance(difference=1e-5)) is not None
