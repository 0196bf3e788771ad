"""Decisions apply although a spreadsheet respelled classes or a training decodes otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from decided_pictures import decided
from own_pictures import picture, put
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("classes", "cells"),
    [
        (("true", "false"), ("TRUE", "FALSE")),
        (("001", "002"), ("1", "2")),
        (("1.0", "1.5"), ("1", "1.50")),
        (("cat", "dog"), ("Cat", "DOG")),
    ],
)
def test_classes_that_a_spreadsheet_respells_are_found(
    tmp_path: Path, classes: tuple[str, str], cells: tuple[str, str]
) -> None:
    """It was advised to delete the line or to audit again, which ended the same."""
    folder = put(tmp_path / "photos", dict.fromkeys(classes, 12))
    path = decided(folder, tmp_path / "d.csv", n3=("relabel", classes[1]))
    text = path.read_text("utf-8")
    for name, cell in zip(classes, cells, strict=True):
        text = text.replace(f",{name},", f",{cell},").replace(f",{name}\n", f",{cell}\n")
    path.write_text(text, "utf-8")
    said: list[str] = []
    open_dataset(DatasetSpec(str(folder), test_ratio=0, decisions=path), say=said.append)
    assert said[-1] == f"{path}: 1 pictures relabelled, 0 dropped"


def test_what_two_classes_would_become_names_neither(tmp_path: Path) -> None:
    folder = put(tmp_path / "photos", {"01": 12, "1.0": 12, "2": 12})
    path = decided(folder, tmp_path / "d.csv", n3=("relabel", "1"))
    with pytest.raises(DataError, match="would become '1', which is not one of the classes"):
        open_dataset(DatasetSpec(str(folder), decisions=path), say=lambda _: None)


def test_a_training_of_another_size_or_fit_takes_the_decisions(tmp_path: Path) -> None:
    """`train` without a recipe chooses a size: it failed after a review at 32 pixels."""
    photos = put(tmp_path / "photos", {"cat": 15, "dog": 15, "emu": 15})
    picture("dog", 800).save(photos / "cat" / "800.png")
    path = decided(photos, tmp_path / "d.csv", n3=("drop", ""), n800=("relabel", "dog"))
    wide = Image.new("RGB", (90, 30))
    for number in range(20):  # now most of the pictures are padded
        wide.putpixel((number, 3), (255, 255, 255))
        wide.save(photos / "emu" / f"wide-{number}.png")
    said: list[str] = []
    spec = DatasetSpec(str(photos), image_size=64, test_ratio=0, decisions=path)
    opened = open_dataset(spec, say=said.append)
    assert opened.fit == "pad"
    assert said[-1] == f"{path}: 1 pictures relabelled, 3 dropped"
