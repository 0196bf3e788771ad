"""A Parquet file that holds the paths of pictures is a table of them, as a CSV file is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from own_pictures import listed, put_flat, two
from thriftnet.data.index import Index
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
KIND = "a table of picture files"


def index_of(path: Path, columns: dict[str, Any], **facts: Any) -> Index:
    table = pa.table(columns)
    if facts:
        table = table.replace_schema_metadata({b"huggingface": json.dumps({"info": facts})})
    parquet.write_table(table, path)
    return list_pictures(path, DatasetSpec())


def test_the_paths_of_a_column_are_read(tmp_path: Path) -> None:
    names, labels = zip(*put_flat(tmp_path), strict=True)
    splits = ["train", "eval"] * 4
    index = index_of(
        tmp_path / "a.parquet", {"path": names, "label": labels, "split": splits, "id": range(8)}
    )
    found = {(each.origin.path, each.label, each.split) for each in index.entries}
    given = zip(names, labels, ["train", "test"] * 4, strict=True)
    assert (index.kind, found) == (KIND, set(given))
    assert index.omissions == []


def test_pictures_that_datasets_did_not_embed_are_found_by_their_paths(tmp_path: Path) -> None:
    names, labels = zip(*put_flat(tmp_path), strict=True)
    images = [{"bytes": None, "path": str(tmp_path / name)} for name in names]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    classes = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    numbers = [["cat", "dog"].index(label) for label in labels]
    index = index_of(
        tmp_path / "a.parquet",
        {"image": pa.array(images, kind), "label": numbers},
        features=classes,
    )
    assert [each.label for each in index.entries] == list(labels)
    assert listed(tmp_path) == (KIND, two(None))  # the folder, of which each picture is named


def test_rows_whose_files_are_missing_are_left_out_by_their_numbers(tmp_path: Path) -> None:
    names, labels = zip(*put_flat(tmp_path), strict=True)
    columns = {"file": ["gone.png", *names[1:7], None], "label": [*labels[:2], None, *labels[3:]]}
    index = index_of(tmp_path / "a.parquet", columns)
    assert [str(each) for each in index.omissions] == [
        "a.parquet, row 0: gone.png does not exist",
        "a.parquet, row 2: no label",
        "a.parquet, row 7: no file name",
    ]
    assert len(index.entries) == 5


def test_without_any_such_file_the_message_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 0: 1.jpg does not exist\); write a file name that"):
        index_of(tmp_path / "a.parquet", {"image": ["1.jpg", "2.jpg"], "label": ["cat", "dog"]})
    told = r"no column of pictures .*, or of paths of files that are there, but text \(string\)"
    with pytest.raises(DataError, match=told):
        index_of(tmp_path / "b.parquet", {"text": ["a", "b"], "label": [0, 1]})
