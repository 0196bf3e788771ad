import numpy as np
import pytest

from thriftnet.data import Dataset
from thriftnet.errors import DataError


def small() -> Dataset:
    images = np.arange(4 * 32 * 32 * 3, dtype=np.uint64).astype(np.uint8).reshape(4, 32, 32, 3)
    return Dataset(images, np.array([0, 1, 1, 0]), ("cat", "dog"))


def test_arrays_cannot_be_written() -> None:
    dataset = small()

    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels[0] = 1


def test_callers_array_stays_writable() -> None:
    images = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    Dataset(images, np.array([0]), ("cat",))
    images[0] = 1

    assert images.max() == 1


def test_subset_keeps_the_order_asked_for() -> None:
    dataset = small()
    chosen = dataset.subset([2, 0])

    assert len(chosen) == 2
    assert np.array_equal(chosen.images, dataset.images[[2, 0]])
    assert chosen.labels.tolist() == [1, 0]
    assert chosen.classes == dataset.classes


def test_empty_subset() -> None:
    assert small().subset([]).images.shape == (0, 32, 32, 3)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 3, 32, 32), np.uint8), np.zeros(2, np.int64), "give .N, H, W, 3. uint8"),
        (np.zeros((2, 32, 32, 3), np.float32), np.zeros(2, np.int64), "give .N, H, W, 3. uint8"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros(3, np.int64), "one int64 per image"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.int32), "one int64 per image"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 2]), "2 classes allow 0 to 1"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.array([-1, 0]), "2 classes allow 0 to 1"),
    ],
)
def test_wrong_shapes_are_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(images, labels, ("cat", "dog"))
