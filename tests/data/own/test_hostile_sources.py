"""Files of strangers that lie, are damaged or hold odd things: one line, in bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from hostile import in_little_memory, npz_header, refused
from own_pictures import picture, put, put_flat, stacked
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError

IMAGES = np.concatenate([stacked("cat", 4), stacked("dog", 4)])
LABELS = np.repeat([0, 1], 4)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"classes": np.array(2)}, "a.npz, classes is () int64; give one integer or name"),
        ({"classes": ["cat", "cat"]}, "a.npz, classes has the class cat twice; write each name"),
        ({"classes": ["cat", " "]}, "a.npz, classes has no name for the class 1; write one"),
        ({"groups": np.arange(3)}, "groups is (3,) int64; give one group for each of the 8 pict"),
        ({"groups": np.array(1)}, "groups is () int64; give one group for each of the 8 pictures"),
        ({"labels": np.array(1)}, "a.npz, labels is () int64; give one integer or name"),
        ({"labels": ["9" * 5000] * 4 + ["b"] * 4}, "the class 999999999999999999999999999999… has"),
    ],
)
def test_npz_with_odd_arrays(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", **{"images": IMAGES, "labels": LABELS, **arrays})
    assert said in refused(tmp_path / "a.npz")


def test_names_of_classes_may_be_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS, classes=np.array([b"cat", b"dog"]))
    found = list_pictures(tmp_path / "a.npz", DatasetSpec())
    assert {entry.label for entry in found.entries} == {"cat", "dog"}


@pytest.mark.parametrize(
    ("member", "header"),
    [
        ("images", npz_header(f"({2**62}, 8, 8)")),
        ("images", npz_header(f"(8, {2**40}, 8)")),
        ("images", npz_header(f"(8, {2**62}, {2**62})")),
        ("images", npz_header(f"({10**30}, 8, 8)")),
        ("images", npz_header("(-1, 8, 8)")),
        ("images", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 9000),
        ("labels", npz_header(f"({2**62},)")),
        ("labels", npz_header("(8,)", f"|S{2**31 - 1}")),
        ("labels", npz_header(f"(8, {2**40})")),
        ("groups", npz_header(f"({2**45},)")),
        ("classes", npz_header(f"({2**45},)", "<U99")),
    ],
)
def test_a_header_of_npz_that_lies(tmp_path: Path, member: str, header: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, array in {"images": IMAGES, "labels": LABELS}.items():
            content = io.BytesIO()
            np.save(content, array)
            if name != member:
                archive.writestr(f"{name}.npy", content.getvalue())
        archive.writestr(f"{member}.npy", header)
    with in_little_memory():
        refused(tmp_path / "a.npz")


def _npz(path: Path, *, packed: bool) -> None:
    save = np.savez_compressed if packed else np.savez
    save(path / "a.npz", images=IMAGES[::2], labels=LABELS[::2], classes=["cat", "dog"])


def _gz(path: Path) -> None:
    def idx(kind: int, *sizes: int) -> bytes:
        return bytes([0, 0, 8, kind]) + b"".join(size.to_bytes(4, "big") for size in sizes)

    pixels = np.random.default_rng(0).integers(0, 256, 4 * 6 * 5, np.uint8).tobytes()
    images, labels = idx(3, 4, 6, 5) + pixels, idx(1, 4) + bytes([0, 1, 1, 0])
    (path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, mtime=0))
    (path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, mtime=0))


@pytest.mark.parametrize(
    "write", [lambda p: _npz(p, packed=True), lambda p: _npz(p, packed=False), _gz]
)
def test_a_flipped_bit_of_an_archive_is_noticed(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    """Each has a checksum at its end."""

    def read() -> tuple[list[str], list[bytes]]:
        index = list_pictures(tmp_path, DatasetSpec())
        pixels = [np.asarray(raw).tobytes() for raw in index.pictures(index.entries)]
        return [entry.label for entry in index.entries], pixels

    write(tmp_path)
    written, draw, noticed = read(), np.random.default_rng(1), 0
    for file in list(tmp_path.iterdir()):
        content = file.read_bytes()
        for bit in draw.integers(8 * len(content), size=120).tolist():
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            file.write_bytes(changed)
            try:
                assert read() == written, (file.name, bit)
            except DataError:
                noticed += 1
        file.write_bytes(content)
    assert noticed > 60


@pytest.mark.parametrize(
    ("sizes", "count", "said"),
    [
        ((4, 2**31, 2**32 - 1), 4, "has pictures of "),
        ((4, 60_000, 60_000), 4, "has pictures of 3,600,000,000 bytes"),
        ((2**32 - 1, 6, 5), 2**32 - 1, "has 4,294,967,295 pictures; give files of at most"),
        ((4, 6, 5), 2**32 - 1, "4,294,967,295 labels for 4 pictures"),
        ((4, 0, 5), 4, "is (4, 0, 5) uint8; give pictures"),
        ((4, 6, 5), 4, "ends early"),
    ],
)
def test_a_header_of_idx_that_lies(
    tmp_path: Path, sizes: tuple[int, int, int], count: int, said: str
) -> None:
    header = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in sizes)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(header + bytes(50))
    labels = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + bytes([0, 1, 1, 0])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    with in_little_memory():
        assert said in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1" + "0" * 5000 + " cat\n1 dog\n", "has 5,005 characters; shorten it"),
        ("".join(f"{n}\n" for n in range(60_000)), None),
        ("cat\n" * 2, "labels.txt has the class cat twice"),
    ],
)
def test_odd_files_of_class_names(tmp_path: Path, text: str, said: str | None) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    (tmp_path / "labels.txt").write_text(text)
    if said:
        assert said in refused(tmp_path / "a.npz")
    else:
        assert len(list_pictures(tmp_path / "a.npz", DatasetSpec()).entries) == 8


LONG = "x" * 200_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (",,\n,,\n", "labels.csv has no cell with text; give a file name and a label"),
        (f"file,label\n{LONG},cat\n", "labels.csv: field larger than field limit (131072); fix"),
        (f"{LONG}\n", "labels.csv: field larger than field limit"),
        (f"file,label\n{LONG} a b,cat\n", "labels.csv: field larger than field limit"),
    ],
)
def test_tables_with_odd_cells(tmp_path: Path, text: str, said: str) -> None:
    put_flat(tmp_path)
    (tmp_path / "labels.csv").write_text(text)
    assert said in refused(tmp_path / "labels.csv")


def test_a_table_of_something_else_is_no_harm_among_class_folders(tmp_path: Path) -> None:
    put(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "notes.csv").write_text(f"{LONG}\n")
    (tmp_path / "more.csv").write_text(",,\n,,\n")
    assert len(list_pictures(tmp_path, DatasetSpec()).entries) == 6


def test_blank_lines_before_a_table(tmp_path: Path) -> None:
    rows = "".join(f"{path},{label}\n" for path, label in put_flat(tmp_path))
    (tmp_path / "labels.csv").write_text("\n" * 80 + "file,label\n" + rows)
    assert len(list_pictures(tmp_path / "labels.csv", DatasetSpec()).entries) == 8


def test_json_lines_with_other_keys_in_every_line(tmp_path: Path) -> None:
    lines = (json.dumps({f"{n} {m}": 1 for m in range(8)}) for n in range(3_000))
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert "a.jsonl has 24,000 different keys in 3,000 lines; write" in refused(
        tmp_path / "a.jsonl"
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("[" * 100_000, None),
        (["cat", "cat"], "has the class cat twice"),
        (["cat", ""], "has no name for the class 1"),
    ],
)
def test_parquet_with_odd_names_of_classes(tmp_path: Path, names: Any, said: str | None) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    picture("cat", 1).save(content, "PNG")
    features = {"label": {"names": names}}
    facts = json.dumps({"info": {"features": features}}) if said else names
    table = pa.table({"image": [content.getvalue()] * 4, "label": [0, 0, 1, 1]})
    table = table.replace_schema_metadata({b"huggingface": facts.encode()})
    parquet.write_table(table, tmp_path / "a.parquet")
    if said:
        assert said in refused(tmp_path / "a.parquet")
    else:
        found = list_pictures(tmp_path / "a.parquet", DatasetSpec()).entries
        assert {entry.label for entry in found} == {"0", "1"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fine_label_names": 5}, "meta names no classes"),
        ({"fine_label_names": [1, 2]}, "meta has a class whose name is not text"),
        ({"fine_label_names": [b"a", b"a"]}, "meta has the class a twice"),
        ({"fine_labels": [[0], [1, 2]]}, "train has no list of fine_labels"),
        ({"fine_labels": None}, "train has no list of fine_labels"),
        ({"fine_labels": "01"}, "train has no list of fine_labels"),
    ],
)
def test_cifar100_with_odd_values(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    batch = {"data": np.zeros((2, 3072), np.uint8), "fine_labels": [0, 1]}
    meta = {"fine_label_names": [b"apple", b"bear"]}
    for name, content in (("train", batch), ("test", batch), ("meta", meta)):
        own = {key: change.get(key, value) for key, value in content.items()}
        (tmp_path / name).write_bytes(pickle.dumps(own, protocol=2))
    assert said in refused(tmp_path)


def test_svhn_whose_labels_are_words(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 3, 2), np.uint8)
    for labels in (np.array(["a", "b"]), np.array([[1.0], [np.nan]])):
        savemat(tmp_path / "train_32x32.mat", {"X": pixels, "y": labels})
        assert "has labels that are not digits" in refused(tmp_path)


def test_more_classes_than_a_model_file_holds(tmp_path: Path) -> None:
    """It would be found out when the trained network is written."""
    images = np.zeros((10_001, 1, 1), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(10_001))
    assert "a.npz has 10,001 classes, and a network at most 10,000" in refused(tmp_path / "a.npz")
