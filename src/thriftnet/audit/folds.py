"""Assigns pictures to folds for out-of-fold predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from thriftnet.errors import DataError


def assign_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], *, folds: int
) -> NDArray[np.int64]:
    """(N,) number of each picture's fold.

    Near-duplicates, and pictures of a group that the user named, share a fold, as a network trained
    on a copy would repeat its label. Classes are spread as evenly as whole groups allow.

    Args:
        labels: (N,).
        groups: (N,) numbers of groups.
        folds: Two or more.

    Raises:
        DataError: There are fewer pictures or groups than folds, or fewer than two folds.
    """
    if folds < 2:
        raise DataError(f"--folds {folds} holds no pictures out; give 2 or more")
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < folds:
        number = "1 group" if len(first) == 1 else f"{len(first)} groups"
        raise DataError(
            f"{len(labels)} pictures in {number} of near-duplicates are fewer than "
            f"{folds} folds; give "
            + (f"--folds {len(first)} or " if len(first) > 1 else "")
            + "more pictures"
        )
    order = np.random.default_rng(0).permutation(len(first))
    order = order[np.argsort(labels[first][order], kind="stable")]  # by class, shuffled within
    fold_of = np.empty(len(first), np.int64)
    fold_of[order] = np.arange(len(first)) % folds
    return fold_of[group]
