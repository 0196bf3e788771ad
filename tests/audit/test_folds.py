"""Each picture is held out once, together with its near-duplicates."""

import numpy as np
import pytest

from thriftnet.audit.folds import assign_folds
from thriftnet.errors import DataError


def test_classes_are_spread_and_groups_stay_together():
    labels = np.repeat(np.arange(3), [50, 30, 11])
    groups = np.arange(91)
    groups[[4, 60]] = groups[7]  # near-duplicates, one of another class
    found = assign_folds(labels, groups, folds=5)
    assert found[4] == found[7] == found[60]
    for label in range(3):
        counts = np.bincount(found[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 2
    np.testing.assert_array_equal(found, assign_folds(labels, groups, folds=5))


@pytest.mark.parametrize(
    ("count", "folds", "part"),
    [
        (4, 5, "4 pictures in 3 groups of near-duplicates are fewer than 5 folds; give --folds 3"),
        (9, 1, "--folds 1 holds no pictures out"),
    ],
)
def test_too_few_pictures_are_refused(count: int, folds: int, part: str):
    groups = np.arange(count)
    groups[1] = 0
    with pytest.raises(DataError, match=part):
        assign_folds(np.zeros(count, np.int64), groups, folds=folds)
