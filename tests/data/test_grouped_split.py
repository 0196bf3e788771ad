import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thriftnet.data import stratified_split
from thriftnet.data.splits import grouped_split, merge_groups
from thriftnet.errors import DataError

pictures = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=150)
ratios = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**63)


def arrays(drawn: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, groups = np.array(drawn, dtype=np.int64).T
    return labels, groups


@given(drawn=pictures, ratio=ratios, seed=seeds)
def test_no_group_is_on_two_sides(drawn: list[tuple[int, int]], ratio: float, seed: int) -> None:
    labels, groups = arrays(drawn)
    split = grouped_split(labels, groups, ratio=ratio, seed=seed)

    assert sorted([*split.kept, *split.held_out]) == list(range(len(labels)))
    assert list(split.kept) == sorted(split.kept)
    assert list(split.held_out) == sorted(split.held_out)
    assert not set(groups[split.kept]) & set(groups[split.held_out])
    assert set(labels[split.kept]) == set(labels)


@given(drawn=pictures, ratio=ratios, seed=seeds)
def test_the_numbers_of_groups_and_another_call_change_nothing(
    drawn: list[tuple[int, int]], ratio: float, seed: int
) -> None:
    labels, groups = arrays(drawn)
    once = grouped_split(labels, groups, ratio=ratio, seed=seed)
    again = grouped_split(labels, 1000 - 7 * groups, ratio=ratio, seed=seed)
    assert np.array_equal(once.held_out, again.held_out)


@given(drawn=pictures, ratio=st.floats(0, 0.49), seed=seeds)
def test_groups_of_one_picture_are_the_stratified_split(
    drawn: list[tuple[int, int]], ratio: float, seed: int
) -> None:
    labels, _ = arrays(drawn)
    train, val = stratified_split(labels, val_ratio=ratio, seed=seed)
    split = grouped_split(labels, np.arange(len(labels)), ratio=ratio, seed=seed)
    assert np.array_equal(split.kept, train)
    assert np.array_equal(split.held_out, val)


@given(drawn=pictures, added=st.integers(1, 40), ratio=ratios, seed=seeds)
def test_adding_a_class_moves_no_other(
    drawn: list[tuple[int, int]], added: int, ratio: float, seed: int
) -> None:
    labels, groups = arrays(drawn)
    before = grouped_split(labels, groups, ratio=ratio, seed=seed)
    more_labels = np.concatenate([np.full(added, 9), labels])
    more_groups = np.concatenate([100 + np.arange(added) // 3, groups])
    after = grouped_split(more_labels, more_groups, ratio=ratio, seed=seed)
    old = after.held_out[after.held_out >= added] - added
    assert np.array_equal(old, before.held_out)


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=60),
    ratio=st.floats(0.05, 0.6),
    seed=seeds,
)
def test_each_class_comes_as_near_to_its_share_as_its_groups_allow(
    sizes: list[int], ratio: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.zeros(len(groups), dtype=np.int64)
    split = grouped_split(labels, groups, ratio=ratio, seed=seed)
    off = abs(len(split.held_out) - len(groups) * ratio)
    assert len(split.kept) > 0
    # less than the smallest group that is kept would fill, or one group is all there is to keep
    assert off <= max(sizes) + 0.5 or len(set(groups[split.kept])) == 1


def test_a_class_of_one_picture_is_only_trained_on_and_told() -> None:
    labels = np.array([0] * 10 + [1] + [2] * 10)
    split = grouped_split(labels, np.arange(21), ratio=0.6, seed=0)
    assert 10 in split.kept
    assert np.bincount(labels[split.held_out]).tolist() == [6, 0, 6]


def test_a_class_that_is_one_group_is_only_trained_on_and_told() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    groups = np.array([*range(10), *[10] * 10])
    split = grouped_split(labels, groups, ratio=0.2, seed=0)
    assert labels[split.held_out].tolist() == [0, 0]


def test_a_group_too_large_is_held_out_only_where_that_is_nearer() -> None:
    labels = np.zeros(30, dtype=np.int64)
    thirds = np.arange(30) // 10
    assert len(grouped_split(labels, thirds, ratio=0.2, seed=0).held_out) == 10  # of 6 wanted
    assert len(grouped_split(labels, thirds, ratio=0.1, seed=0).held_out) == 0  # of 3


def test_a_group_of_several_classes_counts_for_the_most_frequent() -> None:
    labels = np.array([0, 1, 1] + [0] * 9)
    groups = np.array([0, 0, 0, *range(1, 10)])
    split = grouped_split(labels, groups, ratio=0.3, seed=1)
    assert 0 not in split.held_out
    assert labels[split.held_out].tolist() == [0, 0, 0]


def test_merged_groups_part_nothing_that_one_of_them_holds_together() -> None:
    near_duplicates = np.array([0, 1, 1, 2, 3, 4])
    patients = ["a", "a", None, "b", "b", None]
    assert merge_groups(6, near_duplicates, patients).tolist() == [0, 0, 0, 1, 1, 2]
    assert merge_groups(3).tolist() == [0, 1, 2]
    assert merge_groups(0, []).tolist() == []


@pytest.mark.parametrize("ratio", [1.0, -0.1, float("nan")])
def test_ratio_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(DataError, match="share to hold out is .*; choose"):
        grouped_split(np.array([0, 1]), np.array([0, 1]), ratio=ratio, seed=0)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(DataError, match="seed is -1"):
        grouped_split(np.array([0, 1]), np.array([0, 1]), ratio=0.1, seed=-1)


def test_without_pictures() -> None:
    empty = np.array([], dtype=np.int64)
    split = grouped_split(empty, empty, ratio=0.5, seed=0)
    assert (len(split.kept), len(split.held_out)) == (0, 0)


def test_a_class_within_the_groups_of_others_is_trained_on() -> None:
    labels = np.array([0, 1, *[0] * 20])
    groups = np.array([0, 0, *range(1, 21)])  # the one picture of class 1 resembles one of class 0
    for seed in range(40):
        assert 1 in grouped_split(labels, groups, ratio=0.5, seed=seed).kept
