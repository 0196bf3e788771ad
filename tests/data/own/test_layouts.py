"""Layouts of folders and tables as data sets of the web have them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from own_pictures import listed, put, put_flat, two
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own.open import list_pictures
from thriftnet.data.pictures import image_files
from thriftnet.errors import DataError


def refused(path: Path) -> str:
    with pytest.raises(DataError) as told:
        list_pictures(path, DatasetSpec())
    return str(told.value)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Training", "Testing"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set/training_set", "test_set/test_set"),
        ("train/train", "test"),
        ("train", "validate"),
        ("train", "eval"),
        ("Training", "evaluation"),
        ("a/b/c/train_images", "a/b/c/test-images"),
    ],
)
def test_splits_whose_folders_are_called_otherwise(tmp_path: Path, train: str, test: str) -> None:
    put(tmp_path / train, {"cat": 4, "dog": 4})
    put(tmp_path / test, {"cat": 4, "dog": 4})
    held_out = "val" if test == "validate" else "test"
    assert listed(tmp_path)[1] == two("train") + two(held_out)


def test_a_split_without_pictures_and_a_folder_beside_the_splits(tmp_path: Path) -> None:
    for split in ("training", "extra"):
        put(tmp_path / split, {"cat": 2, "dog": 2})
    for empty in ("test", "notes"):
        (tmp_path / empty).mkdir()
    omissions = list_pictures(tmp_path, DatasetSpec()).omissions
    assert [each.where for each in omissions if "without pictures" in each.reason] == ["test"]
    beside = next(each for each in omissions if each.where.startswith("extra/"))
    told = "outside the splits (training); call its folder train, val or test to use it"
    assert beside.reason == told


def test_splits_within_the_classes(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        for split in ("train", "test"):
            put(tmp_path / label, {split: 4})
    assert listed(tmp_path)[1] == two("train") + two("test")
    (tmp_path / "emu").mkdir()
    (tmp_path / "cat/val").mkdir()
    omissions = list_pictures(tmp_path, DatasetSpec()).omissions
    assert [omission.where for omission in omissions] == ["emu"]


def test_classes_may_have_names_with_train_and_test(tmp_path: Path) -> None:
    put(tmp_path, {"toy train": 4, "test tube": 3})
    assert listed(tmp_path)[1] == Counter({(None, "toy train"): 4, (None, "test tube"): 3})


def test_folders_around_all_classes_and_a_picture_beside_them(tmp_path: Path) -> None:
    put(tmp_path / "a/b/c/d", {"cat": 4, "dog": 4})
    assert listed(tmp_path)[1] == two()
    put(tmp_path / "a", {"": 1})
    index = list_pictures(tmp_path, DatasetSpec())
    assert len(index.entries) == 8
    assert list(map(str, index.omissions)) == ["a/0.png: in no class's folder"]


def test_run_folders_are_no_data(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 4, "dog": 4})
    put(tmp_path / "runs/mine", {"figures": 2})
    (tmp_path / "runs/mine/checkpoints").mkdir()
    (tmp_path / "runs/mine/recipe.yaml").write_text("")
    index = list_pictures(tmp_path, DatasetSpec())
    assert (len(index.entries), index.omissions) == (8, [])


def write_rows(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]), "utf-8")


@pytest.mark.parametrize("header", ["id,width", "id,width,height"])
def test_a_test_table_without_labels_is_left_out(tmp_path: Path, header: str) -> None:
    rows = [f"{path},{label}" for path, label in put_flat(tmp_path)]
    write_rows(tmp_path / "train.csv", "id,breed", rows[:3] + rows[4:7])
    cells = ",64" * header.count(",")
    write_rows(tmp_path / "test.csv", header, [r.partition(",")[0] + cells for r in rows[3::4]])
    for column in (None, "breed"):
        spec = DatasetSpec(options=SourceOptions(label_column=column))
        index = list_pictures(tmp_path, spec)
        assert Counter((e.split, e.label) for e in index.entries) == two("train", 3)
        assert list(map(str, index.omissions)) == ["test.csv: no column breed, so no labels"]


def test_a_name_in_two_splits_is_that_of_its_table(tmp_path: Path) -> None:
    for split in ("train", "test"):
        put(tmp_path / split, {"": 8})
        rows = [f"{at}.png,{'cat' if at < 4 else 'dog'}" for at in range(8)]
        write_rows(tmp_path / f"{split}.csv", "id,label", rows)
    assert listed(tmp_path)[1] == two("train") + two("test")


def test_a_column_for_each_class(tmp_path: Path) -> None:
    rows = [f"{path},{label == 'cat':d}.0,{label == 'dog':d}" for path, label in put_flat(tmp_path)]
    write_rows(tmp_path / "labels.csv", "image,cat,dog", rows)
    assert listed(tmp_path)[1] == two()
    write_rows(tmp_path / "labels.csv", "image,blurred,dark", [*rows[1:], "images/c0.png,1,1"])
    assert "it is not clear which column holds the labels" in refused(tmp_path / "labels.csv")


def test_json_lines_with_objects_in_objects(tmp_path: Path) -> None:
    rows = [
        {"image": {"path": path, "size": [1, 2]}, "annotation": {"label": label, "by": "me"}}
        for path, label in put_flat(tmp_path)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert listed(tmp_path)[1] == two()


def test_file_names_whose_case_differs(tmp_path: Path) -> None:
    rows = [f"{Path(path).name.upper()},{label}" for path, label in put_flat(tmp_path)]
    write_rows(tmp_path / "labels.csv", "file,label", rows)
    assert listed(tmp_path)[1] == two()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("data/0.png", "line 2: data/0.png does not exist); write a file name"),
        ("/pictures/0.png", "line 2: /pictures/0.png does not exist"),
        ("https://example.org/0.png", "is a URL; download it"),
    ],
)
def test_a_table_that_names_none_of_the_pictures_beside_it(
    tmp_path: Path, name: str, said: str
) -> None:
    put_flat(tmp_path)
    write_rows(tmp_path / "labels.csv", "file,label", [f"{name},cat", f"{name},dog"])
    told = refused(tmp_path)
    assert "all pictures are of one class, images" in told
    assert said in told


def test_arrays_in_a_folder_of_the_folder_are_pointed_at(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"")
    assert f"{raw} holds IDX files: give that" in refused(tmp_path)


@pytest.mark.parametrize("name", ["photos.zip", "photos.7z"])
def test_an_archive_is_to_be_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    assert refused(tmp_path / name).endswith("is an archive; unpack it and give the folder")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("labels.json", "a file name and a label in each line"),
        ("labels.xlsx", "save it as CSV"),
        ("labels.npy", "as one .npz"),
        ("train.txt", "name it .csv"),
        ("cat.png", "is a picture; give the folder that has one folder per class"),
    ],
)
def test_a_file_that_is_not_read_says_what_to_write_instead(
    tmp_path: Path, name: str, said: str
) -> None:
    put_flat(tmp_path)
    (tmp_path / name).write_text("[]")
    assert said in refused(tmp_path / name)
    if name.startswith("labels"):
        told = refused(tmp_path)
        assert "all pictures are of one class, images" in told
        assert said in told


@pytest.mark.parametrize("kind", ["https", "s3", "HTTP"])
def test_an_address_is_to_be_downloaded(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match=f"^{kind}://example.org/photos is a URL; "):
        list_pictures(Path(f"{kind}://example.org/photos"), DatasetSpec())
    with pytest.raises(DataError, match=f"^{kind}://example.org/photo.jpg is a URL; "):
        image_files(f"{kind}://example.org/photo.jpg")
    assert "does not exist" in refused(tmp_path / "C:" / "photos")


def test_the_folder_of_one_class_points_at_the_one_above(tmp_path: Path) -> None:
    put(tmp_path / "photos", {"cat": 2, "dog": 2})
    told = refused(tmp_path / "photos" / "cat")
    assert told.endswith(f". If cat is one of the classes, give {tmp_path / 'photos'}")
    put(tmp_path / "alone", {"cat": 2})
    assert "one of the classes" not in refused(tmp_path / "alone" / "cat")


def test_the_same_folders_in_every_class_are_told(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        put(tmp_path / year, {"cat": 2, "dog": 2})
    (note,) = list_pictures(tmp_path, DatasetSpec()).notes
    assert "the top folders (2023, 2024), which all have the same subfolders (cat, dog)" in note
    put(tmp_path / "2024", {"emu": 2})
    assert not list_pictures(tmp_path, DatasetSpec()).notes


def test_splits_of_which_none_is_train_may_be_meant(tmp_path: Path) -> None:
    for name in ("fit", "val"):
        put(tmp_path / name, {"cat": 2, "dog": 2})
    (note,) = list_pictures(tmp_path, DatasetSpec()).notes
    assert note.endswith("if the top folders are splits, rename the training split to train")
