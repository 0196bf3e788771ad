"""A few bytes that unpack to gigabytes, or claim to: refused in one line, in bounded memory."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from hostile import in_little_memory, npz_header, refused
from own_pictures import picture
from thriftnet.data.cifar10.formats import _labels_of, decode_batches
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError


def zeros_in_npz(path: Path, **shapes: tuple[int, ...]) -> None:
    """Arrays of zeros, which shrink to a thousandth."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in shapes.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(npz_header(str(shape)))
                for _ in range(math.prod(shape) // 2**20):
                    member.write(bytes(2**20))
                member.write(bytes(math.prod(shape) % 2**20))


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"images": (2**20, 1, 1), "labels": (2**20,)}, "claims 1,048,576 pictures in "),
        ({"images": (8, 8, 8), "labels": (8, 2**25)}, "labels has 268,435,456 bytes, of which"),
        ({"images": (8, 8, 8), "labels": (8,), "classes": (2**20,)}, "has 1,048,576 names; give"),
        ({"images": (8, 8, 8), "labels": (8,), "groups": (2**27,)}, "groups is (134217728,) uint8"),
    ],
)
def test_zeros_of_npz_that_unpack_to_much(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], said: str
) -> None:
    zeros_in_npz(tmp_path / "a.npz", **shapes)
    with in_little_memory(200):
        assert said in refused(tmp_path / "a.npz")


def test_a_header_of_npz_that_unpacks_to_much(tmp_path: Path) -> None:
    """NumPy reads it whole before it looks at its length."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**29)
        archive.writestr("images.npy", header + bytes(2**25))
    with in_little_memory(200):
        assert "a header of 536,870,912 bytes" in refused(tmp_path / "a.npz")


def test_idx_of_zeros(tmp_path: Path) -> None:
    for name, kind in (("train-images-idx3-ubyte", 3), ("train-labels-idx1-ubyte", 1)):
        sizes = (2**22, 1, 1)[:kind]
        head = bytes([0, 0, 8, kind]) + b"".join(size.to_bytes(4, "big") for size in sizes)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(head + bytes(2**22), 1))
    with in_little_memory(200):
        assert "claims 4,194,304 pictures in" in refused(tmp_path)


def test_svhn_of_zeros(tmp_path: Path) -> None:
    """A variable of a few thousand bytes, whose tag claims what it says."""
    packed = zlib.compress(struct.pack("<II", 14, 2**28) + bytes(2**28), 1)
    content = bytes(126) + b"IM" + struct.pack("<II", 15, len(packed)) + packed
    (tmp_path / "train_32x32.mat").write_bytes(content)
    with in_little_memory(200):
        assert "is damaged (it unpacks to implausibly much)" in refused(tmp_path)


@pytest.mark.parametrize("column", ["label", "group", "image"])
def test_parquet_that_keeps_a_long_value_once(tmp_path: Path, column: str) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    count = 1_000
    cells = {
        "image": pa.array([b"no picture"] * count),
        "label": pa.array([str(n % 2) for n in range(count)]),
        "group": pa.array([str(n) for n in range(count)]),
    }
    long = pa.array([2**25 * b"x"]).cast(cells[column].type)
    cells[column] = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), long)
    parquet.write_table(pa.table(cells), tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 2**20
    with in_little_memory(1_000):
        told = refused(tmp_path / "a.parquet")
    assert ("a value has 33,554,432 bytes" in told) == (column != "image")


def test_parquet_with_texts_and_numbers_comes_back(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    picture("cat", 1).save(content, "PNG")
    one = content.getvalue()
    for labels in (["a", "b", None, "a"], [1, 0, None, 1], [1.5, 0.5, None, 1.5], [True, False]):
        count = len(labels)
        table = pa.table({"image": [one] * count, "label": labels, "group": range(1, count + 1)})
        parquet.write_table(table, tmp_path / "a.parquet")
        found = list_pictures(tmp_path / "a.parquet", DatasetSpec()).entries
        wanted = [(str(label), str(n)) for n, label in enumerate(labels, 1) if label is not None]
        assert [(entry.label, entry.group) for entry in found] == wanted


def test_a_changed_page_of_parquet_is_noticed(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"image": [b"no picture"] * 4, "label": ["cat", "dog"] * 2})
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression="none", write_page_checksum=True)
    assert {entry.label for entry in list_pictures(path, DatasetSpec()).entries} == {"cat", "dog"}
    path.write_bytes(path.read_bytes().replace(b"cat", b"cot", 1))
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list_pictures(path, DatasetSpec())


def test_labels_of_cifar10_that_are_nested() -> None:
    names = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]
    files = {f"{name}.png": b"" for name in (*names, "test_batch")}
    files |= dict.fromkeys(("train_lables.json", "test_lables.json"), b"[" * 100_000)
    with pytest.raises(DataError, match="cannot be decoded|is not JSON"):
        decode_batches(files, origin="x")
    with pytest.raises(DataError, match="is not JSON"):
        _labels_of(0, files, "x")
