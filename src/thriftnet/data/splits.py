"""Stratified, seeded splits, one of which keeps groups of related pictures together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thriftnet.data.near_duplicates.find import connected_groups
from thriftnet.errors import DataError


def stratified_split(
    labels: ArrayLike, *, val_ratio: float, seed: int, least: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits indices so that every class keeps its share on both sides.

    A class of n examples has floor(n * val_ratio + 1/2) in validation. Each class uses a generator
    seeded by (seed, class), so that adding a class does not affect others.

    Args:
        labels: (N,) integers from 0.
        val_ratio: share of each class held out, 0 <= val_ratio < 1; 0 holds out nothing.
        seed: random seed, 0 or more.
        least: number of examples of each class that are held out at least, as far as it has them.

    Returns:
        Training and validation indices, both sorted and disjoint; together they are 0..N-1.

    Raises:
        DataError: `val_ratio` or `seed` is out of range, or labels are not (N,) integers from 0.
    """
    # Also rejects NaN.
    if not 0 <= val_ratio < 1:
        raise DataError(f"val_ratio is {val_ratio}; choose a value from 0 to below 1")
    if seed < 0:
        raise DataError(f"seed is {seed}; choose 0 or more")
    values = np.asarray(labels)
    if values.ndim != 1 or (values.size and (values.dtype.kind not in "iu" or values.min() < 0)):
        raise DataError(f"labels are {values.shape} {values.dtype}; give (N,) integers from 0")

    held_out = np.zeros(len(values), dtype=bool)
    for label in np.unique(values):
        members = np.flatnonzero(values == label)
        count = max(least, int(len(members) * val_ratio + 0.5))
        order = np.random.default_rng([seed, int(label)]).permutation(len(members))
        held_out[members[order[:count]]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


class GroupedSplit(NamedTuple):
    """Positions of the pictures on both sides, sorted and disjoint."""

    kept: NDArray[np.int64]
    held_out: NDArray[np.int64]


def merge_groups(
    count: int, *groupings: Sequence[object] | NDArray[np.integer]
) -> NDArray[np.int64]:
    """Merge groupings: pictures that share a group in any of them share one in the result.

    Args:
        count: Number of pictures.
        groupings: One value per picture; equal values form a group, None is no group.

    Returns:
        (count,) numbers from 0, in order of the groups' first pictures.
    """
    pairs = [np.empty((0, 2), np.int64)]
    for grouping in groupings:
        if isinstance(grouping, np.ndarray):
            values, at = grouping, np.arange(count)
        else:
            numbers: dict[object, int] = {}
            known = [n for n, value in enumerate(grouping) if value is not None]
            values = np.array([numbers.setdefault(grouping[n], n) for n in known], np.int64)
            at = np.array(known, np.int64)
        _, first, kind = np.unique(values, return_index=True, return_inverse=True)
        first = at[first[kind]]
        others = first != at  # most pictures are in no group
        pairs.append(np.stack([first[others], at[others]], axis=1))
    return connected_groups(count, np.concatenate(pairs))


def grouped_split(
    labels: NDArray[np.integer], groups: NDArray[np.integer], *, ratio: float, seed: int
) -> GroupedSplit:
    """Hold out about the same share of every class, in whole groups.

    A group belongs to its most frequent class. Each class shuffles its groups with a generator
    seeded by (seed, class) and holds them out in that order while its share is not exceeded, so
    that classes do not affect each other. If no group fits, the smallest is held out if that is
    closer to the share than none. Every class keeps at least one group. With groups of one picture,
    the result equals `stratified_split` for ratios below one half.

    Args:
        labels: (N,) integers from 0.
        groups: (N,) integers; pictures of a group stay together.
        ratio: Share of each class to hold out, 0 <= ratio < 1.
        seed: Random seed, 0 or more.

    Raises:
        DataError: `ratio` or `seed` is out of range.
    """
    if not 0 <= ratio < 1:
        raise DataError(f"the share to hold out is {ratio}; choose a value from 0 to below 1")
    if seed < 0:
        raise DataError(f"seed is {seed}; choose 0 or more")
    _, first, member_of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)  # by first picture: group numbers are arbitrary
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    member_of = rank[member_of]
    sizes = np.bincount(member_of, minlength=len(order))
    owner = _owners(labels, member_of, len(order))

    out = np.zeros(len(order), dtype=bool)
    for label in np.unique(owner):
        own = np.flatnonzero(owner == label)
        shuffled = own[np.random.default_rng([seed, int(label)]).permutation(len(own))]
        out[_choose(shuffled, sizes, ratio)] = True
    for label in np.setdiff1d(labels, labels[~out[member_of]]):  # all in groups of other classes
        out[member_of[labels == label].min()] = False
    held = out[member_of]
    return GroupedSplit(np.flatnonzero(~held), np.flatnonzero(held))


def _owners(
    labels: NDArray[np.integer], member_of: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """(count,) the most frequent label of each group."""
    kinds, frequency = np.unique(np.stack([member_of, labels], axis=1), axis=0, return_counts=True)
    order = np.lexsort((kinds[:, 1], -frequency, kinds[:, 0]))
    _, best = np.unique(kinds[order, 0], return_index=True)
    owner = np.zeros(count, dtype=np.int64)
    owner[:] = kinds[order, 1][best]
    return owner


def _choose(groups: NDArray[np.int64], sizes: NDArray[np.int64], ratio: float) -> list[int]:
    """The groups of one class to hold out, in order."""
    wanted = int(sizes[groups].sum() * ratio + 0.5)
    chosen: list[int] = []
    taken = 0
    for group in groups.tolist():
        if taken + sizes[group] <= wanted and len(chosen) < len(groups) - 1:
            chosen.append(group)
            taken += int(sizes[group])
    if not chosen and wanted and len(groups) > 1:
        smallest = groups[np.argmin(sizes[groups])]
        if sizes[smallest] < 2 * wanted:
            chosen.append(int(smallest))
    return chosen
