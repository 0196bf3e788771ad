"""Faults of class folders; that whole ones are read is tested with the other sources."""

from pathlib import Path

import pytest
from PIL import Image

from thriftnet.data import CIFAR10_CLASSES
from thriftnet.data.cifar10.local import read_source
from thriftnet.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image a class and split: complete but for the number of images."""
    for start, split in enumerate(("train", "test")):
        for row, name in enumerate(CIFAR10_CLASSES):
            (tmp_path / split / name).mkdir(parents=True)
            path = tmp_path / split / name / f"{row}_{name}.png"
            Image.new("RGB", (32, 32), (row, start, 0)).save(path)
    return tmp_path


def failure_of(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(folder, say=lambda _: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_class_without_images(folder: Path) -> None:
    (folder / "train" / "frog" / "6_frog.png").rename(folder / "train" / "frog" / "notes.txt")

    assert f"{folder / 'train' / 'frog'} holds no images; put" in failure_of(folder)


def test_class_that_is_missing(folder: Path) -> None:
    (folder / "train" / "frog" / "6_frog.png").unlink()
    (folder / "train" / "frog").rmdir()

    assert "need a folder for each of airplane, automobile" in failure_of(folder)


def test_split_that_is_missing(folder: Path) -> None:
    (folder / "train").rename(folder / "training")

    assert f"{folder / 'train' / 'airplane'}: No such file" in failure_of(folder)


def test_too_few_images(folder: Path) -> None:
    assert "holds 10 images, CIFAR-10 has 50000 there" in failure_of(folder)


def test_names_without_numbers(folder: Path) -> None:
    frogs = folder / "train" / "frog"
    (frogs / "6_frog.png").rename(frogs / "green.png")

    message = failure_of(folder)

    assert f"{frogs / 'green.png'} does not carry the official order; name each file" in message


def test_numbers_that_begin_anew_in_each_class(folder: Path) -> None:
    for name in CIFAR10_CLASSES:
        (file,) = (folder / "train" / name).iterdir()
        file.rename(file.with_name("0001.png"))

    message = failure_of(folder)

    assert "has the same number as" in message
    assert "name each file by its position" in message


@pytest.mark.parametrize(
    ("picture", "complaint"),
    [
        (Image.new("RGB", (64, 64)), "is (64, 64) RGB, expected (32, 32) RGB"),
        (Image.new("L", (32, 32)), "is (32, 32) L, expected (32, 32) RGB"),
        (None, "cannot be decoded"),
    ],
)
def test_image_that_cannot_be_the_official_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, picture: Image.Image | None, complaint: str
) -> None:
    monkeypatch.setattr("thriftnet.data.cifar10.official_folder.TRAIN_SIZE", 10)
    path = folder / "train" / "frog" / "6_frog.png"
    if picture is None:
        path.write_bytes(path.read_bytes()[:50])
    else:
        picture.save(path)

    message = failure_of(folder)

    assert str(path) in message
    assert complaint in message


def test_damaged_width_of_a_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's word for a bomb is no OSError."""
    monkeypatch.setattr("thriftnet.data.cifar10.official_folder.TRAIN_SIZE", 10)
    png = folder / "train" / "frog" / "6_frog.png"
    path = png.with_suffix(".bmp")
    Image.open(png).save(path)
    png.unlink()
    content = bytearray(path.read_bytes())
    content[18:22] = (2**30).to_bytes(4, "little")
    path.write_bytes(content)

    assert f"{path} cannot be decoded" in failure_of(folder)


def test_wrong_order_is_told_apart_from_damage(class_folder: Path) -> None:
    """Two files have each other's numbers: all is there, but not in the official order."""
    frogs = class_folder / "train" / "frog"
    first, second = frogs / "0_frog.png", frogs / "19_frog.png"
    swap(first, second)
    message = failure_of(class_folder)
    swap(first, second)

    assert "data_batch_1 has digest" in message
    assert "if the names do not carry its order, name each file" in message


def swap(first: Path, second: Path) -> None:
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
