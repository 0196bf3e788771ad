"""What is told of the pictures when they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from own_pictures import put
from thriftnet.data.index import Omission
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.messages import summarise
from thriftnet.data.registry import open_dataset


@pytest.mark.parametrize(
    ("notes", "said"),
    [(1, "1 other file is no picture: 1 .txt"), (2, "2 other files are no pictures: 2 .txt")],
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


def test_a_pointer_of_git_lfs_is_told_from_a_damaged_picture(tmp_path: Path) -> None:
    folder, told = put(tmp_path / "photos", {"cat": 6, "dog": 6}), list[str]()
    (folder / "cat" / "a.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    open_dataset(DatasetSpec(source=folder, image_size=16), say=told.append)
    assert any("cat/a.png: only points to a picture in Git LFS" in line for line in told), told
