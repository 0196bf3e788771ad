"""What is told of pictures before they are decoded."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from own_pictures import picture, put
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.fit import choose_fit, sample_sizes
from thriftnet.data.own.open import list_pictures
from thriftnet.data.own.outline import outline_pictures
from thriftnet.errors import DataError


def test_counts_and_the_side_of_square_pictures(tmp_path: Path) -> None:
    found = outline_pictures(put(tmp_path, {"cat": 6, "dog": 4}), DatasetSpec())
    assert (found.pictures, found.training, found.classes) == (10, 8, 2)
    assert (found.side, found.same_side) == (40, True)


@pytest.mark.parametrize(("fit", "side"), [("crop", 20), ("pad", 80), ("squash", 40)])
def test_the_side_is_that_of_the_square_that_pictures_become(
    tmp_path: Path, fit: str, side: int
) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        picture(label, 0, size=(80, 20)).save(tmp_path / label / "0.png")
    spec = DatasetSpec(fit=fit)
    assert outline_pictures(tmp_path, spec).side == side


def test_photographs_are_measured_as_they_are_shown(tmp_path: Path) -> None:
    """A telephone stores upright photographs as wide ones, with their orientation beside."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(4):
            options = {"exif": exif} if number % 2 else {}
            photograph = picture(label, number, size=(80, 40))
            photograph.save(tmp_path / label / f"{number}.jpg", **options)
    index = list_pictures(tmp_path, DatasetSpec())
    assert sample_sizes(index).tolist() == [[80, 40], [40, 80]] * 4
    assert choose_fit(sample_sizes(index))[0] == "pad"  # not `squash`, as if all were of one shape


def test_a_test_split_that_is_named_is_not_held_out_twice(tmp_path: Path) -> None:
    put(tmp_path / "train", {"cat": 5, "dog": 5})
    put(tmp_path / "test", {"cat": 3, "dog": 3}, start=100)
    found = outline_pictures(tmp_path, DatasetSpec())
    assert (found.pictures, found.training) == (16, 10)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        outline_pictures(tmp_path / "nothing", DatasetSpec())
