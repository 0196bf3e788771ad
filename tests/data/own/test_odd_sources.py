"""Tables and arrays as people have them: without endings, names of columns or names of classes."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from own_pictures import listed, picture, put, put_flat, stacked, two
from rights import stopped_by_modes
from thriftnet.data.index import split_in_name
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own.open import list_pictures
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


def _kaggle(folder: Path, *, header: bool) -> None:
    """As competitions have them: names without endings, pictures in a folder of the split."""
    lines = ["id,breed"] if header else []
    for label in ("cat", "dog"):
        put(folder, {"train": 0})
        for number in range(4):
            picture(label, number).save(folder / "train" / f"{label[0]}00{number}.jpg")
            lines.append(f"{label[0]}00{number},{label}")
    put(folder / "test", {"": 2})
    (folder / "labels.csv").write_text("\n".join(lines))
    (folder / "sample_submission.csv").write_text("id,breed\n0,cat\n1,cat\n")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("name", ["", "labels.csv"])
def test_names_without_endings_in_a_folder_of_their_own(
    tmp_path: Path, header: bool, name: str
) -> None:
    _kaggle(tmp_path, header=header)
    index = list_pictures(tmp_path / name, DatasetSpec())
    assert Counter((each.split, each.label) for each in index.entries) == two("train")
    unlisted = [] if name else ["test/0.png: in no table", "test/1.png: in no table"]
    assert [str(each) for each in index.omissions] == unlisted


def test_a_name_that_several_pictures_have(tmp_path: Path) -> None:
    _kaggle(tmp_path, header=True)
    picture("cat", 9).save(tmp_path / "test" / "c000.png")
    index = list_pictures(tmp_path, DatasetSpec())
    omission, *others = index.omissions  # those that it may be are in a table
    assert [each.where for each in others] == ["test/0.png", "test/1.png"]
    assert str(omission) == "labels.csv, line 2: c000 may be test/c000.png or train/c000.jpg"


def test_solar_cells_as_their_package_has_them(tmp_path: Path) -> None:
    """Separated by spaces, without names of columns: path, probability, kind."""
    rows = [
        f"{path}  {value:<20} {kind}"
        for (path, _), value, kind in zip(
            put_flat(tmp_path),
            ["1.0", "0.0", "0.3333333333333333", "1.0", "0.0", "0.0", "0.3333333333333333", "1.0"],
            ["mono", "poly"] * 4,
            strict=True,
        )
    ]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    _, found = listed(tmp_path / "labels.csv")
    assert found == Counter({(None, "0.0"): 3, (None, "0.3333333333333333"): 2, (None, "1.0"): 3})
    index = list_pictures(tmp_path / "labels.csv", DatasetSpec())
    assert index.notes == ["labels.csv: the column 1 has the file names, 2 the labels"]
    kinds = SourceOptions(label_column="3")
    index = list_pictures(tmp_path / "labels.csv", DatasetSpec(options=kinds))
    assert {entry.label for entry in index.entries} == {"mono", "poly"}


def test_one_number_in_two_spellings_is_one_class(tmp_path: Path) -> None:
    labels = ["1", "1.0", "0", "0.0", "2", "2", "nan", "0"]
    rows = [f"{p},{v}" for (p, _), v in zip(put_flat(tmp_path), labels, strict=True)]
    (tmp_path / "l.csv").write_text("file,label\n" + "\n".join(rows))
    index = list_pictures(tmp_path / "l.csv", DatasetSpec())
    assert Counter(entry.label for entry in index.entries) == {"0": 3, "1": 2, "2": 2}
    assert [str(omission) for omission in index.omissions] == ["images/d2.png: no label (nan)"]


def test_folders_of_splits_in_a_tables_paths(tmp_path: Path) -> None:
    rows: list[str] = []
    for split in ("train", "test"):
        rows += [f"{split}/{path},{label}" for path, label in put_flat(tmp_path / split)]
    (tmp_path / "labels.csv").write_text("path,label\n" + "\n".join(rows))
    assert listed(tmp_path / "labels.csv")[1] == two("train") + two("test")


def test_a_separator_that_only_unicode_knows_ends_no_line(tmp_path: Path) -> None:
    rows = put_flat(tmp_path)
    (tmp_path / "a.csv").write_text("\r\n".join(f"{p},{v}\u2028x" for p, v in rows), "utf-8")
    assert {label for _, label in listed(tmp_path / "a.csv")[1]} == {"cat x", "dog x"}
    lines = [json.dumps({"path": p, "label": f"{v}\x85y"}, ensure_ascii=False) for p, v in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    assert {label for _, label in listed(tmp_path / "a.jsonl")[1]} == {"cat y", "dog y"}


def _idx(folder: Path, *, name: str = "train-images-idx3-ubyte") -> None:
    sizes = b"".join(n.to_bytes(4, "big") for n in (4, 6, 5))
    (folder / name).write_bytes(bytes([0, 0, 8, 3]) + sizes + bytes(range(120)))
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 1, 2])
    place = name.replace("images", "labels").replace("idx3", "idx1")
    (folder / place).write_bytes(labels)


@pytest.mark.parametrize("text", ["top\nbag\n", "0 top\n1 bag\n", "\ufeff0: top\r\n1: bag\r\n"])
def test_a_file_that_names_the_classes_of_idx_files(tmp_path: Path, text: str) -> None:
    _idx(tmp_path, name="train-images.idx3-ubyte")
    (tmp_path / "classes.txt").write_bytes(text.encode())
    index = list_pictures(tmp_path, DatasetSpec())
    assert [entry.label for entry in index.entries] == ["top", "bag", "bag"]
    where = "train-images.idx3-ubyte, row 3"
    assert list(map(str, index.omissions)) == [f"{where}: label 2, and 2 classes"]


def test_a_file_that_names_a_class_twice(tmp_path: Path) -> None:
    _idx(tmp_path)
    (tmp_path / "labels.txt").write_text("top\nbag\ntop\n")
    with pytest.raises(DataError, match=r"labels.txt has the class top twice"):
        listed(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [np.eye(2)[[0] * 4 + [1] * 4], np.repeat([0.0, 1.0], 4), np.repeat([[0], [1]], 4, axis=0)],
)
def test_labels_of_arrays_as_other_libraries_write_them(tmp_path: Path, labels: np.ndarray) -> None:
    images = np.concatenate([stacked("cat", 4), stacked("dog", 4)])
    np.savez(tmp_path / "a.npz", images=images, labels=labels, classes=["cat", "dog"])
    assert listed(tmp_path / "a.npz") == ("NPZ arrays", two())


def test_a_class_may_begin_with_any_sign(tmp_path: Path) -> None:
    images = np.concatenate([stacked("cat", 4), stacked("dog", 4)])
    np.savez(tmp_path / "a.npz", images=images, labels=np.repeat(["!Kung", "=1+1"], 4))
    assert {label for _, label in listed(tmp_path / "a.npz")[1]} == {"!Kung", "=1+1"}


def test_names_of_pictures_are_not_those_of_classes(tmp_path: Path) -> None:
    images = np.concatenate([stacked("cat", 2), stacked("dog", 2)])
    files = [f"{number}.png" for number in range(4)]
    labels = {"images": images, "labels": [0, 0, 1, 1], "num_classes": 2}
    np.savez(tmp_path / "a.npz", **labels, image_names=files)
    assert {label for _, label in listed(tmp_path / "a.npz")[1]} == {"0", "1"}
    np.savez(tmp_path / "b.npz", **labels, image_names=files, class_names=["cat", "dog"])
    assert {label for _, label in listed(tmp_path / "b.npz")[1]} == {"cat", "dog"}


def test_two_arrays_that_could_be_the_labels(tmp_path: Path) -> None:
    images = np.concatenate([stacked("cat", 2), stacked("dog", 2)])
    np.savez(tmp_path / "a.npz", images=images, labels=[0, 0, 1, 1], target=[5, 6, 7, 8])
    with pytest.raises(DataError, match="has labels and target, which both could be the labels"):
        listed(tmp_path / "a.npz")


@pytest.mark.parametrize(("name", "split"), [("train_val", None), ("val_labels", "val")])
def test_a_table_whose_name_has_two_splits_has_none(
    tmp_path: Path, name: str, split: str | None
) -> None:
    rows = [f"{path},{label}" for path, label in put_flat(tmp_path)]
    (tmp_path / f"{name}.csv").write_text("file,label\n" + "\n".join(rows[::-1]))
    assert split_in_name(f"{name}.csv") == split_in_name(f"train/{name}.csv") == split
    if split is None:
        assert listed(tmp_path / f"{name}.csv") == ("a table of picture files", two())


def test_long_numbers_are_names(tmp_path: Path) -> None:
    """As floats, these two would be one class."""
    ids = {"cat": "9007199254740992", "dog": "9007199254740993"}
    rows = [f"{path},{ids[label]}" for path, label in put_flat(tmp_path)]
    (tmp_path / "l.csv").write_text("file,label\n" + "\n".join(rows))
    assert {label for _, label in listed(tmp_path / "l.csv")[1]} == set(ids.values())


def test_a_folder_of_the_name_of_a_picture_is_not_taken_for_it(tmp_path: Path) -> None:
    rows = put_flat(tmp_path)
    (tmp_path / "c0").mkdir()
    lines = [f"{Path(path).stem},{label}" for path, label in rows]
    (tmp_path / "l.csv").write_text("id,label\n" + "\n".join(lines))
    assert listed(tmp_path / "l.csv") == ("a table of picture files", two())


def test_parquet_files_of_a_program_do_not_replace_class_folders(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 2, "dog": 2})
    for hidden in (".cache", "@eaDir"):
        (tmp_path / hidden).mkdir()
        (tmp_path / hidden / "a.parquet").write_bytes(b"PAR1")
    assert listed(tmp_path) == ("class folders", two(count=2))


def test_a_folder_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 2, "dog": 2, "emu": 2})
    (tmp_path / "emu").chmod(0)
    try:
        with stopped_by_modes():
            (omission,) = list_pictures(tmp_path, DatasetSpec()).omissions
        assert str(omission) == "emu: Permission denied"
    finally:
        (tmp_path / "emu").chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_file_that_links_to_itself_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 2, "dog": 2})
    (tmp_path / "cat" / "loop.png").symlink_to("loop.png")
    index = list_pictures(tmp_path, DatasetSpec())
    assert len(index.entries) == 4
    (omission,) = index.omissions
    assert omission.where == "cat/loop.png"


def test_names_that_differ_by_case_are_in_the_same_order_everywhere(tmp_path: Path) -> None:
    """A system lists them in any order; the split follows the order of the index."""
    put(tmp_path, {"dog": 2})
    (tmp_path / "cat").mkdir()
    for name in ("b.png", "A.png", "B.png", "a.png"):
        picture("cat", ord(name[0])).save(tmp_path / "cat" / name)
    paths = [entry.origin.path for entry in list_pictures(tmp_path, DatasetSpec()).entries[:4]]
    assert paths == ["cat/A.png", "cat/a.png", "cat/B.png", "cat/b.png"]


def test_strict_refuses_a_folder_with_pictures_that_no_table_names(tmp_path: Path) -> None:
    """A picture in a table without labels is in a table."""
    _kaggle(tmp_path, header=True)
    (tmp_path / "test.jsonl").write_text('{"file_name": "test/1.png", "size": 3}')
    index = list_pictures(tmp_path, DatasetSpec())
    assert not [each for each in index.omissions if each.where == "test/1.png"]
    picture("cat", 1).save(tmp_path / "train" / "new.png")
    spec = DatasetSpec(str(tmp_path), strict=True)
    with pytest.raises(DataError, match=r"train/new\.png: in no table.*leave out --strict"):
        open_dataset(spec, say=lambda _: None)
