"""Folds of a training split: every image in one, classes spread, groups together."""

from __future__ import annotations

import numpy as np

from support.inner_folds import fold_numbers
from thriftnet.data import Dataset

COUNTS = (100, 33, 9, 4)


def data(groups: np.ndarray | None) -> Dataset:
    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    return Dataset(images, labels, tuple("abcd"), groups)


def test_folds_have_as_much_of_each_class_and_in_all() -> None:
    alone = data(None)
    folds = fold_numbers(alone, count=5)
    sizes = np.bincount(folds, minlength=5)
    assert sizes.max() - sizes.min() <= 1
    for label in range(len(COUNTS)):
        own = np.bincount(folds[alone.labels == label], minlength=5)
        assert own.max() - own.min() <= 1
    assert np.array_equal(folds, fold_numbers(alone, count=5))
    assert not np.array_equal(folds, fold_numbers(alone, count=5, seed=1))


def test_images_of_one_group_are_in_one_fold() -> None:
    groups = np.arange(sum(COUNTS)) // 3
    folds = fold_numbers(data(groups), count=5)
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
