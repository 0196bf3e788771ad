"""What is said of own pictures after their training, and other data with other columns."""

from __future__ import annotations

from pathlib import Path

import pytest

import thriftnet
from own_pictures import put, put_flat
from small import small_recipe
from thriftnet.errors import DataError
from thriftnet.runs.folder import RunFolder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("other-data")


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRIFTNET_CACHE", str(place / "cache"))


def table(folder: Path, head: str, *, count: int = 12) -> Path:
    """A table of pictures: file, class and a group of two."""
    rows = [f"{path},{label},{at // 2}" for at, (path, label) in enumerate(put_flat(folder, count))]
    file = folder / "labels.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


@pytest.fixture(scope="module")
def trained(place: Path) -> RunFolder:
    """By the column `kind`, in groups of `animal`."""
    pictures = table(place / "own", "file,kind,animal")
    recipe = small_recipe(
        data={"label_column": "kind", "group": "animal", "image_size": 32},
        train={"epochs": 1, "batch_size": 8},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRIFTNET_CACHE", str(place / "cache"))
        run = thriftnet.train(recipe, data=pictures, name="r", runs_dir=place, quiet=True)
    return RunFolder.open(run.path)


def test_the_data_of_a_training_are_one_line_afterwards(trained: RunFolder, place: Path):
    """The training has told the rest."""
    for data in (None, place / "own" / "labels.csv"):
        said: list[str] = []
        thriftnet.evaluate(trained.path, data=data, say=said.append)
        assert len(said) == 1
        assert "24 pictures of 2 classes; train " in said[0]


def test_other_data_are_told_of_whole(trained: RunFolder, place: Path):
    said: list[str] = []
    other = table(place / "more", "file,kind,animal", count=4)
    found = thriftnet.evaluate(trained.path, data=other, say=said.append)
    assert found.chosen.images == 8
    assert any("the column file has the file names, kind the labels" in line for line in said)


def test_other_data_may_lack_the_columns_of_the_training(trained: RunFolder, place: Path):
    """A table with other columns, and class folders, which have no group of that name."""
    folders = put(place / "folders", {"cat": 4, "dog": 4}, start=50)
    for data, lacking in (
        (table(place / "renamed", "file,label,who", count=4), ("label_column", "group")),
        (folders, ("group",)),
    ):
        said: list[str] = []
        assert thriftnet.evaluate(trained.path, data=data, say=said.append).chosen.images == 8
        for key in lacking:
            (told,) = (line for line in said if f"data.{key}" in line)
            assert told.endswith(f"data.{key} of the training; continuing without it")


def test_the_training_data_must_have_them(trained: RunFolder, place: Path):
    file = place / "own" / "labels.csv"
    content = file.read_text()
    file.write_text(content.replace("kind", "sort"))
    try:
        with pytest.raises(DataError, match="has no column kind; it has file, sort, animal"):
            thriftnet.evaluate(trained.path, say=lambda _: None)
    finally:
        file.write_text(content)
