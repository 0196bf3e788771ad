"""Groups that stay in one split: which rule says them, and what they cannot keep together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from own_pictures import put_flat, stacked
from thriftnet.data.index import Index
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own.open import list_pictures

COLUMN = ["one", "one", "one", "two", "two", "two", "two", "two"]


def index_of(path: Path, group: str | None) -> Index:
    return list_pictures(path, DatasetSpec(options=SourceOptions(group=group)))


def as_table(folder: Path, groups: list[str], splits: list[str] | None = None) -> Path:
    splits = splits or ["train"] * len(groups)
    columns = zip(put_flat(folder), groups, splits, strict=True)
    lines = [f"{path},{label},{group},{split}" for (path, label), group, split in columns]
    (folder / "all.csv").write_text("\n".join(["file,label,group,split", *lines]))
    return folder / "all.csv"


def as_arrays(folder: Path, groups: list[str]) -> Path:
    pictures = np.concatenate([stacked("cat", 4), stacked("dog", 4)])
    labels = ["cat"] * 4 + ["dog"] * 4
    np.savez(folder / "all.npz", images=pictures, labels=labels, group=groups)
    return folder / "all.npz"


@pytest.mark.parametrize("rule", [None, "group"])
def test_a_column_or_an_array_of_groups(tmp_path: Path, rule: str | None) -> None:
    for path in (as_table(tmp_path / "t", COLUMN), as_arrays(tmp_path, COLUMN)):
        index = index_of(path, rule)
        assert [entry.group for entry in index.entries] == COLUMN
        assert not any("group" in note for note in index.notes if "names the pictures" not in note)


def test_a_rule_for_paths_replaces_groups_that_were_only_guessed(tmp_path: Path) -> None:
    index = index_of(as_table(tmp_path / "t", COLUMN), "([cd])[0-9]")
    assert [entry.group for entry in index.entries] == list("ccccdddd")
    assert {entry.label for entry in index.entries} == {"cat", "dog"}  # the column is no label
    index = index_of(as_arrays(tmp_path, COLUMN), "all")
    assert {entry.group for entry in index.entries} == {"all"}


def test_pictures_that_a_rule_has_no_group_for_are_told(tmp_path: Path) -> None:
    path = as_table(tmp_path, COLUMN)
    assert (
        "1 picture is in no group, such as images/d3.png" in index_of(path, "([cd])[0-2]|c3").notes
    )
    assert "4 pictures are in no group, such as images/d0.png" in index_of(path, "c").notes


def test_groups_that_the_given_splits_divide_are_told(tmp_path: Path) -> None:
    splits = ["train", "train", "test", "val", "train", "val", "train", "train"]
    notes = index_of(as_table(tmp_path, COLUMN, splits), None).notes
    for split, group in (("val", "two"), ("test", "one")):
        told = f"1 group has pictures in train and in {split}, such as {group}, so the {split} acc"
        assert any(told in note for note in notes), notes
