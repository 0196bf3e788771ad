"""The real data set against what is published about it."""

import hashlib

import numpy as np

from official_layouts import BATCHES, Layouts
from thriftnet.data import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD, Dataset
from thriftnet.data.cifar10.facts import BATCH_MD5


def test_shapes_and_types(cifar10: tuple[Dataset, Dataset]) -> None:
    train, test = cifar10

    assert train.images.shape == (50_000, 32, 32, 3)
    assert test.images.shape == (10_000, 32, 32, 3)
    assert train.images.dtype == test.images.dtype == np.uint8
    assert train.labels.dtype == test.labels.dtype == np.int64
    assert train.classes == test.classes == CIFAR10_CLASSES
    assert len(CIFAR10_CLASSES) == 10


def test_statistics(cifar10: tuple[Dataset, Dataset]) -> None:
    mean, deviation = moments(cifar10[0].images)
    test_mean, _ = moments(cifar10[1].images)

    assert np.allclose(mean, [125.30691805, 122.95039414, 113.86538318], rtol=0, atol=1e-8)
    assert np.allclose(mean / 255, CIFAR10_MEAN, rtol=0, atol=1e-10)
    assert np.allclose(deviation / 255, CIFAR10_STD, rtol=0, atol=1e-8)
    assert np.allclose(test_mean, [126.02464141, 123.7085042, 114.85431865], rtol=0, atol=1e-8)


def moments(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, exactly, from how often each value occurs."""
    counts = np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in range(3)])
    share, values = counts / counts.sum(1, keepdims=True), np.arange(256)
    mean = share @ values
    return mean, np.sqrt(share @ values**2 - mean**2)


def test_first_labels_and_balance(cifar10: tuple[Dataset, Dataset]) -> None:
    train, test = cifar10

    assert train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert test.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert np.bincount(train.labels).tolist() == [5_000] * 10
    assert np.bincount(test.labels).tolist() == [1_000] * 10


def test_digests_are_those_of_the_binary_layout(layouts: Layouts) -> None:
    found = {name: hashlib.md5(layouts.binary(name)).hexdigest() for name in BATCHES}

    assert found == BATCH_MD5
    assert found["test_batch"] == "803d5f7f4d78ea53de84dbe85f74fb6d"
