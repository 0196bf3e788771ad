"""Classes whose names are written in several ways: told if they become one, else refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from own_pictures import encoded, picture, put, put_flat, stacked
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError

WAYS = ["cat", "cat ", "dog", "dog"]


def as_table(folder: Path, labels: list[str]) -> Path:
    rows = [path for path, _ in put_flat(folder, len(labels) // 2)]
    lines = [f"{path},{label}" for path, label in zip(rows, labels, strict=True)]
    (folder / "all.csv").write_text("\n".join(["file,label", *lines]))
    return folder / "all.csv"


def as_folders(folder: Path, labels: list[str]) -> Path:
    return put(folder / "all", dict.fromkeys(labels, 2))


def as_arrays(folder: Path, labels: list[str]) -> Path:
    np.savez(folder / "all.npz", images=stacked("cat", len(labels)), labels=np.array(labels))
    return folder / "all.npz"


def as_parquet(folder: Path, labels: list[str]) -> Path:
    pictures = [encoded(picture("cat", number)) for number in range(len(labels))]
    pq.write_table(pa.table({"image": pictures, "label": labels}), folder / "all.parquet")
    return folder / "all.parquet"


def notes(path: Path) -> list[str]:
    return list_pictures(path, DatasetSpec()).notes


@pytest.mark.parametrize("write", [as_table, as_folders, as_arrays, as_parquet])
def test_a_space_does_not_make_a_class_and_is_told(
    tmp_path: Path, write: Callable[[Path, list[str]], Path]
) -> None:
    path = write(tmp_path, WAYS)
    assert {entry.label for entry in list_pictures(path, DatasetSpec()).entries} == {"cat", "dog"}
    (note,) = notes(path)
    assert note.startswith("1 class is written in several ways, which differ only by spaces")
    assert note.endswith(": 'cat', 'cat '")


def test_names_written_in_one_way_are_not_told(tmp_path: Path) -> None:
    assert notes(as_table(tmp_path, ["cat", "cat", "big  dog", "big  dog"])) == []


def test_of_many_classes_a_few_are_shown(tmp_path: Path) -> None:
    labels = [f"{name}{space}" for name in "abcde" for space in ("", " ")]
    (note,) = notes(as_table(tmp_path, labels))
    assert note.startswith("5 classes are written in several ways")
    assert note.endswith(": 'a', 'a '; 'b', 'b '; 'c', 'c '; and 2 more")


def test_unicode_forms_and_decimals(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]
    assert "1 class is written" in notes(as_folders(tmp_path / "forms", [*forms, "bar"]))[0]
    assert notes(as_table(tmp_path / "one", ["1", "1.0", "2", "2"]))[0].endswith(": '1', '1.0'")


def test_a_word_for_nothing_among_names_is_told(tmp_path: Path) -> None:
    assert notes(as_table(tmp_path, ["cat", "dog", "nan", "nan"])) == [
        "nan is read as a class; if it means no label, leave the cells empty"
    ]


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u00ad"])
def test_names_that_differ_by_invisible_characters_are_refused(tmp_path: Path, mark: str) -> None:
    shown = f"differ only by invisible characters (U+{ord(mark):04X})"
    with pytest.raises(DataError) as told:
        notes(as_table(tmp_path / "one", ["cat", f"{mark}cat", "dog", "dog"]))
    assert shown in str(told.value)
    put(tmp_path / "two" / "train", {"cat": 2, "dog": 2})
    put(tmp_path / "two" / "test", {f"c{mark}at": 2})
    with pytest.raises(DataError) as told:
        notes(tmp_path / "two")
    assert "cat differs only by invisible characters" in str(told.value)
