"""What is wrong in a user's pictures is one line that names the file; the rest is used."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from own_pictures import picture, put, put_flat
from thriftnet.data.index import Index
from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own import open as open_module
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


def opened(path: Path, **settings: object) -> OpenDataset:
    spec = DatasetSpec(source=path, **{"image_size": 16, **settings})
    return open_dataset(spec, say=lambda _: None)


def left_out(path: Path, **settings: object) -> dict[str, str]:
    return {each.where: each.fault for each in opened(path, **settings).omissions}


def refused(path: Path, **settings: object) -> str:
    with pytest.raises(DataError) as error:
        opened(path, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def images(data: OpenDataset) -> int:
    return sum(len(data.split(name)) for name in data.splits)


def test_one_class(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 4})
    assert "all pictures are of one class, cat" in refused(tmp_path)


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "absent")
    assert "holds no labelled picture" in refused(tmp_path)
    put(tmp_path / "test", {"cat": 2, "dog": 2})
    assert "there are no pictures in the train split, only in test" in refused(tmp_path)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    folder = put(tmp_path / "photos", {"cat": 6, "dog": 6})
    (folder / "cat" / "0.png").write_text("no picture")
    whole = (folder / "cat" / "1.png").read_bytes()
    (folder / "cat" / "1.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "2.png").write_bytes(b"")
    (folder / "emu").mkdir()
    (folder / "dog" / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "dog" / "round.jpg").symlink_to("about.jpg")
    (folder / "dog" / "about.jpg").symlink_to("round.jpg")
    os.mkfifo(folder / "dog" / "pipe.jpg")
    (folder / "dog" / "again").symlink_to(folder / "dog")
    picture("cat", 9).save(folder / "loose.png")
    for other in (".DS_Store", "Thumbs.db", "notes.txt"):
        (folder / "cat" / other).write_bytes(b"other")
    put(folder / ".ipynb_checkpoints", {"cat": 2})
    found = left_out(folder)
    reasons = {
        "cat/0.png": "cannot be read as an image (an unsupported format)",
        "cat/1.png": "cannot be read as an image",
        "dog/2.png": "an empty file",
        "dog/gone.jpg": "a broken link, not a file",
        "dog/round.jpg": "a loop of links, not a file",
        "dog/about.jpg": "a loop of links, not a file",
        "dog/pipe.jpg": "a pipe, socket or device, not a file",
        "dog/again": "a link to a folder that is read already",
        "loose.png": "in no class's folder",
        "emu": "a folder without pictures",
    }
    assert found.keys() == reasons.keys()
    assert all(found[where].startswith(reason) for where, reason in reasons.items()), found
    assert images(opened(folder)) == 9
    said = refused(folder, strict=True)
    assert "10 left out" in said
    assert "leave out --strict" in said


def test_nothing_can_be_decoded(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.jpg").write_text("no picture")
    assert "none of 2 pictures can be decoded: cat/1.jpg: cannot be read" in refused(tmp_path)


def test_names_in_any_script_and_normalisation(tmp_path: Path) -> None:
    composed, parted = (unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD"))
    put(tmp_path / "train", {composed: 3, "狗": 3, "10 cm": 3, "9 cm": 3})
    put(tmp_path / "test", {parted: 2, "狗": 2})
    data = opened(tmp_path)
    assert data.classes == ("9 cm", "10 cm", composed, "狗")
    assert np.bincount(data.split("test").labels).tolist() == [0, 0, 2, 2]


def test_classes_that_differ_by_case(tmp_path: Path) -> None:
    put(tmp_path / "a" / "train", {"Cat": 2, "cat": 2, "dog": 2})
    assert "the classes Cat and cat differ only by case" in refused(tmp_path / "a")
    put(tmp_path / "b" / "train", {"cat": 2, "dog": 2})
    put(tmp_path / "b" / "test", {"Cat": 2})
    said = refused(tmp_path / "b")
    assert "test/Cat/0.png is of the class Cat, which the training split lacks; cat differs" in said


def test_classes_by_name_and_never_by_position(tmp_path: Path) -> None:
    put(tmp_path / "train", {"cat": 3, "dog": 3, "emu": 3})
    put(tmp_path / "test", {"dog": 2, "emu": 1})
    told: list[str] = []
    data = open_dataset(DatasetSpec(source=tmp_path, image_size=16), say=told.append)
    assert np.bincount(data.split("test").labels, minlength=3).tolist() == [0, 2, 1]
    assert "test has no picture of cat; it cannot be tested" in told
    put(tmp_path / "test", {"yak": 1})
    assert "test/yak/0.png is of the class yak, which the training split lacks" in refused(tmp_path)


def table(folder: Path, text: str | bytes) -> Path:
    put_flat(folder)
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GOOD = "images/c1.png,cat\nimages/c2.png,cat\nimages/d1.png,dog\nimages/d2.png,dog\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("images/c3.png,", "no label"),
        (",cat", "no file name"),
        ("images/absent.png,cat", "images/absent.png does not exist"),
        ("../../etc/passwd,cat", "../../etc/passwd lies outside {folder}"),
        ("/etc/passwd,cat", "/etc/passwd lies outside {folder}"),
        ("images/c3.png,cat,more", "3 cells, and 2 columns"),
        ("images/c1.png,cat", "images/c1.png (of labels.csv, line 2) is listed again"),
    ],
)
def test_a_row_that_cannot_be_used(tmp_path: Path, row: str, reason: str) -> None:
    path = table(tmp_path / "t", f"file,label\n{GOOD}{row}\n")
    assert left_out(path) == {"labels.csv, line 6": reason.format(folder=path.parent)}
    assert images(opened(path)) == 4


def test_rows_that_disagree(tmp_path: Path) -> None:
    path = table(tmp_path, f"file,label\n{GOOD}images/c1.png,dog\nimages/c3.png,cat\n")
    assert left_out(path) == {
        "labels.csv, line 2": "images/c1.png (cat here, dog in labels.csv, line 6) has two labels",
        "labels.csv, line 6": "images/c1.png (dog here, cat in labels.csv, line 2) has two labels",
    }
    assert images(opened(path)) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; give a table"),
        ("\n\n", "is empty; give a table"),
        ("images/c1.png\nimages/d1.png\n", "has a single column; it needs"),
        (b"file,label\nimages/c1.png,\xff\n", "line 2: not UTF-8; save the table as UTF-8"),
        (b"file,label\nimages/c1.png,a\0b\n", "line 2: a zero byte"),
        ("file,label,file\na.png,cat,b.png\n", "has two columns of the name file"),
        ("a,b\nx,y\n", "it is not clear which column has the file names"),
        ("file,label\nabsent.png,cat\n", "labels.csv, line 2: absent.png does not exist"),
        ("file,label\n", "write a file name that is relative to"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in refused(table(tmp_path, text))


def test_an_unknown_split(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label,split\n" + GOOD.replace("\n", ",train\n")
                 + "images/c3.png,cat,fold3\n")  # fmt: skip
    assert left_out(path)["labels.csv, line 6"] == "the split is fold3; write train, val or test"


def test_json_lines_with_faults(tmp_path: Path) -> None:
    put_flat(tmp_path)
    rows = [f'{{"file_name": "images/{c}{n}.png", "label": "{c}"}}' for c in "cd" for n in (1, 2)]
    odd = ["{oops", "[1]", '{"label": "c"}', r'{"file_name": "a\u0000b", "label": "c"}']
    odd.append(r'{"file_name": "images/c3.png", "label": "\ud800"}')
    odd.append('{"file_name": "images/c3.png", "label": NaN}')  # as pandas writes a missing one
    (tmp_path / "m.jsonl").write_text("\n".join([*rows, *odd]))
    found = left_out(tmp_path / "m.jsonl")
    assert found["m.jsonl, line 5"].startswith("not JSON (")
    assert found["m.jsonl, line 6"].startswith("not a JSON object")
    assert found["m.jsonl, line 7"] == "no file name"
    assert found["m.jsonl, line 8"].endswith("does not exist")
    assert found["m.jsonl, line 9"] == "the label cannot be encoded as UTF-8"
    assert found["m.jsonl, line 10"] == "no label"


def test_a_class_whose_name_no_model_file_can_hold(tmp_path: Path) -> None:
    """It would be found out when the trained model is read."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    np.savez(tmp_path / "a.npz", images=pixels, labels=["caf\udce9", "dog", "caf\udce9", "dog"])
    told = refused(tmp_path / "a.npz")
    assert "the class caf� has a name that is not UTF-8; rename it" in told


def test_labels_of_arrays_out_of_range(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    names = ["cat", "dog"]
    np.savez(tmp_path / "a.npz", images=pixels, labels=[0, 0, 1, 1, 7, -1], classes=names)
    assert left_out(tmp_path / "a.npz") == {
        "a.npz, images, row 4": "label 7, and 2 classes",
        "a.npz, images, row 5": "label -1, and 2 classes",
    }
    np.savez(tmp_path / "b.npz", images=pixels, labels=[0, 1])
    assert "2 labels for 6 pictures" in refused(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", images=pixels.astype(float), labels=[0, 0, 0, 1, 1, 1])
    assert "give pictures as uint8 from 0 to 255" in refused(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", images=pixels, labels=np.array([None] * 6, object))
    assert "save text as array.astype(str)" in refused(tmp_path / "d.npz")
    (tmp_path / "e.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:300])
    assert "cannot be read as NPZ" in refused(tmp_path / "e.npz")


def test_a_name_that_is_no_data_set() -> None:
    with pytest.raises(DataError, match=r"did you mean cifar10\?"):
        open_dataset(DatasetSpec(dataset="cifar-10"))
    with pytest.raises(DataError, match=r"give its path with --data PATH"):
        open_dataset(DatasetSpec(dataset="./nowhere"))


def test_a_large_picture_of_another_shape(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 3, "dog": 3})
    Image.new("L", (3000, 40), 77).save(tmp_path / "cat" / "long.png")
    assert images(opened(tmp_path)) == 7


def test_measured_values_are_no_classes(tmp_path: Path) -> None:
    rows = put_flat(tmp_path, count=12)
    text = "".join(f"{path},{at / 7:.4f}\n" for at, (path, _) in enumerate(rows))
    (tmp_path / "l.csv").write_text("file,weight\n" + text)
    said = refused(tmp_path / "l.csv")
    assert "the labels are 24 different numbers for 24 pictures" in said
    assert "--set data.label_column=NAME" in said


def test_a_folder_whose_name_is_blank(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 2, "dog": 2, " ": 1})
    assert left_out(tmp_path) == {" /0.png": "the name of its folder is blank; rename it"}


@pytest.mark.parametrize("shorter", [True, False])
def test_arrays_that_change_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shorter: bool
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    file = tmp_path / "a.npz"
    np.savez(file, images=pixels, labels=[0, 0, 0, 1, 1, 1])
    listed = open_module.content_name

    def then_written(index: Index) -> str:
        found = listed(index)
        np.savez(file, images=pixels[: 3 if shorter else 6] + 1, labels=[0, 0, 0, 1, 1, 1])
        return found

    monkeypatch.setattr(open_module, "content_name", then_written)
    assert f"{file} changed while it was read; start again" in refused(file)


def test_parquet_with_odd_rows(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    put_flat(tmp_path / "raw")
    files = sorted((tmp_path / "raw" / "images").iterdir())
    content: list[bytes | None] = [file.read_bytes() for file in files]
    content[3], content[5] = None, b"no picture"
    labels = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, None, float("nan")]
    table = pa.table({"image": content, "label": labels})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = left_out(tmp_path / "a.parquet")
    assert found.pop("a.parquet, row 5").startswith("cannot be read as an image")
    assert found == {
        "a.parquet, row 3": "no picture",
        "a.parquet, row 6": "no label",
        "a.parquet, row 7": "no label",
    }
    assert opened(tmp_path / "a.parquet").classes == ("0.0", "1.0")
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:200])
    assert "cannot be read as Parquet" in refused(tmp_path / "b.parquet")
    nested = pa.table({"image": content[:2], "label": [[0], [1, 2]]})
    parquet.write_table(nested, tmp_path / "c.parquet")
    assert "this column has no names or numbers but lists" in refused(tmp_path / "c.parquet")
