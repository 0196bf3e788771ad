"""What is told of the pictures when they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from own_pictures import put
from thriftnet.data.index import Omission
from thriftnet.data.inspection import inspect
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own.messages import summarise
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


@pytest.mark.parametrize(
    ("notes", "said"),
    [(1, "1 other file is not a picture: 1 .txt"), (2, "2 other files are not pictures: 2 .txt")],
)
def test_other_files_are_counted(notes: int, said: str, tmp_path: Path) -> None:
    folder = put(tmp_path / "photos", {"cat": 6, "dog": 6})
    for number in range(notes):
        (folder / "cat" / f"{number}.txt").write_text("a note")
    told: list[str] = []
    open_dataset(DatasetSpec(source=folder, image_size=16), say=told.append)
    assert any(line.endswith(said) for line in told), told


def test_what_is_left_out_for_one_reason_is_counted_once():
    drawings = [Omission(f"{n}.svg", "an SVG drawing") for n in range(94)]
    assert summarise(drawings) == "94 left out (0.svg, …): an SVG drawing"
    told = summarise([*drawings, Omission("a.png", "an empty file")])
    assert told.startswith("95 left out: 94 (0.svg, …): an SVG drawing; 1 (a.png): an empty file")


def test_names_in_a_table_that_do_not_exist_are_counted_once(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 3, "dog": 3})
    rows = [f"{label}/{n}.png,{label}" for label in ("cat", "dog") for n in range(3)]
    rows += [f"cat/gone{n}.png,cat" for n in range(4)] + ["dog/0.png,dog"] * 2
    (tmp_path / "all.csv").write_text("\n".join(["file_name,label", *rows]))
    told: list[str] = []
    spec = DatasetSpec(source=tmp_path / "all.csv", image_size=16)
    opened = open_dataset(spec, say=told.append)
    assert any("4 (all.csv, line 8: cat/gone0.png, …): does not exist; " in t for t in told), told
    assert str(opened.omissions[0]) == "all.csv, line 8: cat/gone0.png does not exist"
    assert opened.collection is not None
    found = inspect(opened.collection()).to_json(str)["omissions"]
    assert found[0] == {"where": "all.csv, line 8", "reason": "cat/gone0.png does not exist"}


def test_one_more_reason_is_in_the_singular() -> None:
    told = summarise([Omission(f"{n}.png", f"reason {n}") for n in range(4)])
    assert told.endswith("; and 1 other reason")


@pytest.mark.parametrize(
    ("counts", "ratio", "said"),
    [
        ({"cat": 6, "dog": 6}, 0.0, "not evaluated: data.test_ratio is 0"),
        ({"cat": 1, "dog": 1}, 0.2, "each class is one picture, or one group"),
        ({"cat": 2, "dog": 2}, 0.2, "20% of each class is less than one; add pictures, or --set"),
        ({"cat": 2, "dog": 2}, 0.5, ""),  # as the line before advises
    ],
)
def test_why_no_picture_is_held_out(
    counts: dict[str, int], ratio: float, said: str, tmp_path: Path
) -> None:
    folder, told = put(tmp_path / "photos", counts), list[str]()
    spec = DatasetSpec(source=folder, image_size=16, test_ratio=ratio)
    opened = open_dataset(spec, say=told.append)
    assert any(said in line for line in told if "no picture is held out" in line) == bool(said)
    assert ("test" in opened.splits) == (not said)


def test_a_group_may_be_larger_than_the_share_to_hold_out(tmp_path: Path) -> None:
    told: list[str] = []
    put(tmp_path / "photos" / "cat", {"a": 3, "b": 3})
    put(tmp_path / "photos" / "dog", {"a": 3, "b": 3}, start=3)
    options = SourceOptions(group="folder")
    spec = DatasetSpec(source=tmp_path / "photos", image_size=16, options=options)
    assert "test" not in open_dataset(spec, say=told.append).splits
    assert any("20% of each class is less than a group that stays together" in t for t in told)


def test_a_class_of_which_no_picture_can_be_read_is_told(tmp_path: Path) -> None:
    folder, told = put(tmp_path / "photos", {"cat": 6, "dog": 6, "emu": 2}), list[str]()
    for picture in (folder / "emu").iterdir():
        picture.write_text("no picture")
    spec = DatasetSpec(source=folder, image_size=16)
    assert open_dataset(spec, say=told.append).classes == ("cat", "dog")
    assert any("no picture of emu can be read, so it is left out as a class" in t for t in told)


def test_a_class_that_is_left_over_alone_is_told_with_what_was_left_out(tmp_path: Path) -> None:
    folder = put(tmp_path / "photos", {"cat": 6, "dog": 1})
    (folder / "dog" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"one class, cat; .*\. 1 left out: dog/0\.png: an empty"):
        open_dataset(DatasetSpec(source=folder, image_size=16), say=lambda _: None)


def test_a_pointer_of_git_lfs_is_told_from_a_damaged_picture(tmp_path: Path) -> None:
    folder, told = put(tmp_path / "photos", {"cat": 6, "dog": 6}), list[str]()
    (folder / "cat" / "a.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    open_dataset(DatasetSpec(source=folder, image_size=16), say=told.append)
    assert any("cat/a.png: only points to a picture in Git LFS" in line for line in told), told
