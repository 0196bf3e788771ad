import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thriftnet.data import Dataset, stratified_split
from thriftnet.errors import DataError

labels_lists = st.lists(st.integers(0, 9), max_size=200)
ratios = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**64)


@given(labels=labels_lists, ratio=ratios, seed=seeds)
def test_split_is_a_sorted_partition_with_each_class_in_proportion(
    labels: list[int], ratio: float, seed: int
) -> None:
    train, val = stratified_split(np.array(labels, dtype=int), val_ratio=ratio, seed=seed)

    assert train.dtype == val.dtype == np.int64
    assert sorted([*train, *val]) == list(range(len(labels)))
    assert list(train) == sorted(train)
    assert list(val) == sorted(val)
    for label in set(labels):
        held_out = sum(labels[index] == label for index in val)
        assert abs(held_out - labels.count(label) * ratio) <= 0.5 + 1e-9


@given(labels=labels_lists, ratio=ratios, seed=seeds)
def test_same_seed_gives_same_split(labels: list[int], ratio: float, seed: int) -> None:
    once = stratified_split(labels, val_ratio=ratio, seed=seed)
    again = stratified_split(labels, val_ratio=ratio, seed=seed)

    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


def test_cifar10_gives_500_of_each_class_and_another_seed_gives_others(
    cifar10: tuple[Dataset, Dataset],
) -> None:
    labels = cifar10[0].labels
    train, val = stratified_split(labels, val_ratio=0.1, seed=0)
    _, other = stratified_split(labels, val_ratio=0.1, seed=1)

    assert np.bincount(labels[val]).tolist() == [500] * 10
    assert len(train) == 45_000
    # two independent draws of a tenth share about a tenth
    assert 300 < len(np.intersect1d(val, other)) < 700


def test_zero_holds_out_nothing() -> None:
    train, val = stratified_split([0, 1, 1, 2], val_ratio=0, seed=3)

    assert train.tolist() == [0, 1, 2, 3]
    assert val.size == 0


@pytest.mark.parametrize("ratio", [1.0, -0.1, 2, float("nan")])
def test_ratio_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(DataError, match="val_ratio is .*; choose"):
        stratified_split([0, 1], val_ratio=ratio, seed=0)


@pytest.mark.parametrize("labels", [[[0, 1]], [0.5, 1.0], [-1, 0]])
def test_labels_that_are_none_are_refused(labels: list[object]) -> None:
    with pytest.raises(DataError, match="give .N,. integers"):
        stratified_split(np.array(labels), val_ratio=0.1, seed=0)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(DataError, match="seed is -1"):
        stratified_split([0, 1], val_ratio=0.1, seed=-1)
