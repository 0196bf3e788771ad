"""CIFAR-10 in each layout it is distributed in, written by other means than the package's."""

import gzip
import io
import json
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np

from thriftnet.data import Dataset

BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


class Layouts:
    """The six batches of the real data set in each layout, as bytes by file name."""

    def __init__(self, train: Dataset, test: Dataset) -> None:
        self.images = np.concatenate([train.images, test.images])
        self.labels = np.concatenate([train.labels, test.labels]).astype(np.uint8)

    def batch(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        start = BATCHES.index(name) * 10_000
        return self.images[start : start + 10_000], self.labels[start : start + 10_000]

    def binary(self, name: str) -> bytes:
        images, labels = self.batch(name)
        planes = np.moveaxis(images, 3, 1).reshape(10_000, 3072)
        return np.concatenate([labels[:, None], planes], axis=1).tobytes()

    def python2(self, name: str) -> bytes:
        images, labels = self.batch(name)
        return python2_batch(np.moveaxis(images, 3, 1).reshape(10_000, 3072), labels.tolist())

    def png(self, name: str) -> bytes:
        return stored_png(self.batch(name)[0].reshape(10_000, 1024, 3))

    def files(self, layout: str) -> dict[str, bytes]:
        if layout == "py":
            return {name: self.python2(name) for name in BATCHES}
        if layout == "bin":
            return {f"{name}.bin": self.binary(name) for name in BATCHES}
        files = {f"{name}.png": self.png(name) for name in BATCHES}
        files["train_lables.json"] = json.dumps(self.labels[:50_000].tolist()).encode()
        files["test_lables.json"] = json.dumps(self.labels[50_000:].tolist()).encode()
        return files


def python2_batch(rows: np.ndarray, labels: list[int]) -> bytes:
    """The official file's own opcodes: protocol 2, byte strings, NumPy 1 names."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    raw = rows.tobytes()
    dtype = (
        b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )  # fmt: skip
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b")
        + b"\x87R(K\x01" + integer(rows.shape[0]) + integer(rows.shape[1]) + b"\x86"
        + dtype + b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
    )  # fmt: skip
    return (
        b"\x80\x02}(" + text(b"batch_label") + text(b"testing batch 1 of 1")
        + text(b"labels") + b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
        + text(b"data") + array + b"u."
    )  # fmt: skip


def stored_png(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as a PNG, stored uncompressed: 60,000 of these must not take long."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, _ = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, -1)], axis=1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines.tobytes(), 0)) + chunk(b"IEND", b"")
    )  # fmt: skip


def write_tar(path: Path, files: dict[str, bytes], *, folder: str) -> Path:
    """A gzip archive, stored rather than compressed, which is a hundred times quicker."""
    with (
        gzip.open(path, "wb", compresslevel=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
