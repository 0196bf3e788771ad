import pickle
from pathlib import Path

import numpy as np
import pytest

from thriftnet.data import Dataset, read_unlabelled
from thriftnet.errors import DataError


def written(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize("as_bytes", [False, True])
def test_images_and_ids(
    cifar10: tuple[Dataset, Dataset], tmp_path: Path, *, as_bytes: bool
) -> None:
    expected = cifar10[1].images[:5]
    content = {"data": np.array(expected), "ids": np.arange(5)[::-1]}
    keyed = {key.encode(): value for key, value in content.items()} if as_bytes else content
    images, ids = read_unlabelled(written(tmp_path / "x.pkl", keyed))

    assert np.array_equal(images, expected)
    assert images.dtype == np.uint8
    assert ids.tolist() == [4, 3, 2, 1, 0]
    assert ids.dtype == np.int64


def test_rows_are_channel_first(cifar10: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    expected = cifar10[1].images[:5]
    rows = np.moveaxis(expected, 3, 1).reshape(5, 3072)
    images, _ = read_unlabelled(written(tmp_path / "x.pkl", {"data": rows, "ids": [1, 2, 3, 4, 5]}))

    assert np.array_equal(images, expected)


IMAGES = np.zeros((2, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1], "is not a dictionary with `data` and `ids`; write both keys"),
        ({"data": IMAGES}, "is not a dictionary with `data` and `ids`"),
        ({"data": IMAGES[..., :2], "ids": [1, 2]}, "`data` is (2, 32, 32, 2) uint8; give"),
        ({"data": IMAGES / 255, "ids": [1, 2]}, "`data` is (2, 32, 32, 3) float64; give"),
        ({"data": [0], "ids": [1]}, "`data` is list; give (N, H, W, 3) uint8"),
        ({"data": IMAGES, "ids": [1]}, "`ids` is 1 integers for 2 images; give one integer"),
        ({"data": IMAGES, "ids": ["a", "b"]}, "`ids` is no list of integers for 2 images"),
        (
            {"data": IMAGES, "ids": np.array([1, 2**64 - 1], np.uint64)},
            "`ids` holds 18446744073709551615; give integers below 2**63",
        ),
        ({"data": IMAGES, "ids": [[1], [2, 3]]}, "`ids` is no list of integers for 2 images"),
    ],
)
def test_other_content_is_refused(content: object, complaint: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.pkl", content)

    with pytest.raises(DataError) as caught:
        read_unlabelled(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent.pkl: No such file or directory; give"):
        read_unlabelled(tmp_path / "absent.pkl")


def test_executable_content(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")

    with pytest.raises(DataError, match=r"x.pkl holds executable content \(os.system\)"):
        read_unlabelled(tmp_path / "x.pkl")
