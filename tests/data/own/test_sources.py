"""Every form in which labelled pictures come, told by content."""

from __future__ import annotations

import gzip
import json
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from own_pictures import listed, put, put_flat, stacked, two
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError


def test_class_folders(tmp_path: Path) -> None:
    put(tmp_path / "cat", {"tabby": 1, "grey": 2})
    put(tmp_path / "dog", {"": 3})
    assert listed(tmp_path) == ("class folders", Counter({(None, "cat"): 3, (None, "dog"): 3}))


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_class_folders_with_splits_inside_a_folder_of_an_archive(tmp_path: Path, val: str) -> None:
    for split in ("train", val, "test"):
        put(tmp_path / "photos" / split, {"cat": 4, "dog": 4})
    assert listed(tmp_path)[1] == two("train") + two("val") + two("test")


def _csv(separator: str, *, names: bool = True, encoding: str = "utf-8", end: str = "\n"):
    def write(folder: Path) -> Path:
        rows = put_flat(folder)
        lines = [["file", "class"], *rows] if names else rows
        text = "".join(separator.join(row) + end for row in lines)
        (folder / "labels.csv").write_bytes(text.encode(encoding))
        return folder

    return write


def _quoted(folder: Path) -> Path:
    text = "".join(f'"{path}","{label}",""\n' for path, label in put_flat(folder))
    (folder / "any.csv").write_text(f"img,what,note\n{text}")
    return folder / "any.csv"


def _json_lines(folder: Path) -> Path:
    rows = [{"file_name": path, "label": label} for path, label in put_flat(folder)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.mark.parametrize(
    "write",
    [
        _csv(","),
        _csv(";"),
        _csv("\t"),
        _csv("   ", names=False),
        _csv(",", encoding="utf-8-sig"),
        _csv(",", encoding="utf-16", end="\r\n"),
        _json_lines,
    ],
)
def test_tables(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    assert listed(write(tmp_path)) == ("a table of picture files", two())


def test_a_table_with_more_columns_asks_which_is_which(tmp_path: Path) -> None:
    table = _quoted(tmp_path)
    with pytest.raises(DataError, match=r"give --set data.label_column=NAME, one of img, what"):
        listed(table)
    assert listed(table, label_column="what")[1] == two()
    assert listed(table, label_column="2")[1] == two()


def test_a_table_names_splits_and_groups(tmp_path: Path) -> None:
    rows = [
        f"{path},{label},{'train' if i % 2 else 'validation'},g{i}"
        for i, (path, label) in enumerate(put_flat(tmp_path))
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split,group", *rows]))
    assert listed(tmp_path)[1] == two("train", 2) + two("val", 2)
    index = list_pictures(tmp_path, DatasetSpec())
    assert [entry.group for entry in index.entries] == [f"g{i}" for i in range(8)]


def test_metadata_in_the_folders_of_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        rows = put_flat(tmp_path / split)
        text = "".join(f"{path},{label}\n" for path, label in rows)
        (tmp_path / split / "metadata.csv").write_text(f"file_name,label\n{text}")
    assert listed(tmp_path)[1] == two("train") + two("test")


def test_npz_of_one_array_and_of_splits(tmp_path: Path) -> None:
    images = np.concatenate([stacked("cat", 4), stacked("dog", 4)])
    labels = np.repeat([0, 1], 4)
    np.savez(tmp_path / "all.npz", images=images, labels=labels, classes=["cat", "dog"])
    assert listed(tmp_path / "all.npz") == ("NPZ arrays", two())
    first = images.transpose(0, 3, 1, 2)
    np.savez_compressed(tmp_path / "s.npz", x_train=first, y_train=labels[:, None],
                        testX=np.asfortranarray(images), testY=labels)  # fmt: skip
    found = listed(tmp_path / "s.npz")[1]
    assert found == Counter({(s, c): 4 for s in ("train", "test") for c in "01"})
    index = list_pictures(tmp_path / "s.npz", DatasetSpec())
    for raw, image in zip(index.pictures(index.entries), [*images, *images], strict=True):
        assert np.array_equal(raw, image)


@pytest.mark.parametrize("packed", [True, False])
def test_idx(tmp_path: Path, packed: bool) -> None:
    write = gzip.compress if packed else bytes
    end = ".gz" if packed else ""
    for name in ("train", "t10k"):
        pixels = np.arange(4 * 6 * 5, dtype=np.uint8).tobytes()
        sizes = b"".join(n.to_bytes(4, "big") for n in (4, 6, 5))
        header = bytes([0, 0, 8, 3]) + sizes
        (tmp_path / f"{name}-images-idx3-ubyte{end}").write_bytes(write(header + pixels))
        labels = bytes([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 1, 0])
        (tmp_path / f"{name}-labels-idx1-ubyte{end}").write_bytes(write(labels))
    assert listed(tmp_path) == (
        "IDX files", Counter({(s, c): 2 for s in ("train", "test") for c in "01"})
    )  # fmt: skip


def test_cifar100(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    data = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)
    for split in ("train", "test"):
        batch = {b"data": data, b"fine_labels": [1, 0]}
        (folder / split).write_bytes(pickle.dumps(batch, protocol=2))
    names = {b"fine_label_names": [b"apple", b"bear"]}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    kind, found = listed(tmp_path)
    assert (kind, found["train", "bear"], found["test", "apple"]) == ("CIFAR-100", 1, 1)
    index = list_pictures(tmp_path, DatasetSpec())
    first = next(index.pictures(index.entries))
    assert np.array_equal(np.asarray(first)[0, :3, 0], data[0, :3])


def test_svhn(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 3), np.uint8)
    savemat(tmp_path / "train_32x32.mat", {"X": pixels, "y": np.array([[10], [1], [1]])})
    assert listed(tmp_path) == ("SVHN", Counter({("train", "0"): 1, ("train", "1"): 2}))
    index = list_pictures(tmp_path, DatasetSpec())
    assert np.array_equal(list(index.pictures(index.entries))[2], pixels[..., 2])


def test_parquet_as_hugging_face_writes_it(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = put_flat(tmp_path / "raw")
    content = [{"bytes": (tmp_path / "raw" / p).read_bytes(), "path": p} for p, _ in rows]
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"]}}
    facts = {b"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"image": content, "label": [0] * 4 + [1] * 4}).replace_schema_metadata(facts)
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split in ("train", "test"):
        parquet.write_table(table, tmp_path / "set" / "data" / f"{split}-00000-of-00001.parquet")
    assert listed(tmp_path / "set") == ("Parquet", two("train") + two("test"))
    file = tmp_path / "set" / "data" / "test-00000-of-00001.parquet"
    parquet.write_table(pa.table({"image": content, "id": list(range(8))}), file)
    index = list_pictures(tmp_path / "set", DatasetSpec())
    assert (len(index.entries), len(index.omissions)) == (8, 1)
    assert str(index.omissions[0]).endswith("parquet: no column label, so no labels")
    other = pa.table({"text": ["a", "b"], "label": [0, 1]})
    parquet.write_table(other, tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"other.parquet has no column of pictures .* text \(str"):
        listed(tmp_path / "other.parquet")
