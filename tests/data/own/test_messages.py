"""What is told of the pictures when they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from own_pictures import put
from thriftnet.data.options import DatasetSpec
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
