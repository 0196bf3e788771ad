"""Stratified, seeded split of a training set."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thriftnet.errors import DataError


def stratified_split(
    labels: ArrayLike, *, val_ratio: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits indices so that every class keeps its share on both sides.

    A class of n examples has floor(n * val_ratio + 1/2) in validation. Each class uses a generator
    seeded by (seed, class), so that adding a class does not affect others.

    Args:
        labels: (N,) integers from 0.
        val_ratio: share of each class held out, 0 <= val_ratio < 1; 0 holds out nothing.
        seed: random seed, 0 or more.

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
        count = int(len(members) * val_ratio + 0.5)
        order = np.random.default_rng([seed, int(label)]).permutation(len(members))
        held_out[members[order[:count]]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
