"""Opens CIFAR-10 as an `OpenDataset`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from thriftnet.data.cifar10.facts import (
    BATCH_MD5,
    CIFAR10_CLASSES,
    CIFAR10_MEAN,
    CIFAR10_STD,
    IMAGE_SIZE,
    TEST_SIZE,
    TRAIN_SIZE,
)
from thriftnet.data.cifar10.load import load_cifar10
from thriftnet.data.cifar10.local import holds_official_files
from thriftnet.data.cifar10.official_folder import is_class_folder
from thriftnet.data.dataset import Dataset
from thriftnet.data.inspection import Collection
from thriftnet.data.near_duplicates.find import find_near_duplicates
from thriftnet.data.opened import OpenDataset, all_of
from thriftnet.data.options import DatasetSpec


def open_cifar10(spec: DatasetSpec, *, say: Callable[[str], None]) -> OpenDataset:
    """Open CIFAR-10 with its usual normalisation statistics.

    Raises:
        DataError: No source is available, or the given one is not CIFAR-10.
    """
    train, test = load_cifar10(spec.source, say=say)
    return OpenDataset(
        name="cifar10",
        classes=CIFAR10_CLASSES,
        image_size=IMAGE_SIZE,
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
        splits={"train": partial(all_of, train), "test": partial(all_of, test)},
        digests=lambda: dict(BATCH_MD5),  # each source is verified by them, or by the cache's own
        collection=cache(lambda: _collection(train, test)),
    )


def _collection(train: Dataset, test: Dataset) -> Collection:
    images = np.concatenate([train.images, test.images])

    def title(at: int) -> str:
        return f"train image {at}" if at < len(train) else f"test image {at - len(train)}"

    return Collection(
        name="cifar10",
        kind="CIFAR-10",
        images=images,
        labels=np.concatenate([train.labels, test.labels]),
        classes=CIFAR10_CLASSES,
        positions={
            "train": np.arange(len(train)),
            "test": np.arange(len(train), len(images)),
        },
        sizes=np.full((len(images), 2), IMAGE_SIZE),
        title=title,
        near=cache(lambda: find_near_duplicates(images)),
    )


def holds_cifar10(path: Path) -> bool:
    """Whether a path holds CIFAR-10 in an official layout or a complete class-folder export."""
    return holds_official_files(path) or _is_whole_export(path)


def _is_whole_export(path: Path) -> bool:
    """Whether a folder has train and test folders with CIFAR-10's classes and numbers of files."""
    if not is_class_folder(path):
        return False
    for split, count in (("train", TRAIN_SIZE), ("test", TEST_SIZE)):
        folders = [path / split / name for name in CIFAR10_CLASSES]
        if not all(folder.is_dir() for folder in folders):
            return False
        if sum(sum(1 for _ in folder.iterdir()) for folder in folders) < count:
            return False
    return True
