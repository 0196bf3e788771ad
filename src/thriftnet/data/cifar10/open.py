"""CIFAR-10 as one data set among others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from thriftnet.data.cifar10.facts import (
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
from thriftnet.data.cifar10.verify import measure_digests
from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec


def open_cifar10(spec: DatasetSpec, *, say: Callable[[str], None]) -> OpenDataset:
    """Open CIFAR-10: its splits, and the statistics that are usual for it.

    Raises:
        DataError: No source has it, or what was given is not it.
    """
    train, test = load_cifar10(spec.source, say=say)
    return OpenDataset(
        name="cifar10",
        classes=CIFAR10_CLASSES,
        image_size=IMAGE_SIZE,
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
        splits={"train": lambda: train, "test": lambda: test},
        measure=lambda: measure_digests(train, test),
    )


def holds_cifar10(path: Path) -> bool:
    """Whether a path holds CIFAR-10 in an official layout, or a whole export by class."""
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
