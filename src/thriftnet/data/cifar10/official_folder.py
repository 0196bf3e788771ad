"""Reads CIFAR-10 exported to class folders: DIR/train/frog/0_frog.png and so on."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from thriftnet.data.cifar10.facts import (
    BATCH_MD5,
    BATCH_SIZE,
    CIFAR10_CLASSES,
    IMAGE_SIZE,
    TEST_SIZE,
    TRAIN_SIZE,
)
from thriftnet.data.cifar10.formats import Batches, empty_batches
from thriftnet.data.cifar10.verify import check_batch
from thriftnet.errors import DataError

_LOSSLESS = {".png": "PNG", ".bmp": "BMP", ".ppm": "PPM", ".tif": "TIFF", ".tiff": "TIFF"}
_NAMING = (
    "name each file by its position in the official batches and its class, "
    "train/frog/0_frog.png to train/automobile/49999_automobile.png"
)
_SAY_EVERY_SECONDS = 5.0


def is_class_folder(folder: Path) -> bool:
    """Whether this folder has the two splits of a class-folder export."""
    return (folder / "train").is_dir() or (folder / "test").is_dir()


def read_class_folder(folder: Path, *, say: Callable[[str], None]) -> Batches:
    """Reads DIR/train/<class>/* and DIR/test/<class>/*, 32 × 32 and lossless, and verifies them.

    Files are ordered across classes by the number their names begin with, which is how exports
    keep the official order.

    Raises:
        DataError: a class has no images, names carry no order, an image cannot be used, or the
            digests of the whole differ from CIFAR-10.
    """
    batches = empty_batches(TRAIN_SIZE + TEST_SIZE)
    last_said = time.monotonic()
    for split, count, offset in (("train", TRAIN_SIZE, 0), ("test", TEST_SIZE, TRAIN_SIZE)):
        files = _in_official_order(folder / split)
        if len(files) != count:
            raise DataError(
                f"{folder / split} holds {len(files)} images, CIFAR-10 has {count} there; "
                "complete the folder"
            )
        for row, (path, label) in enumerate(files, start=offset):
            batches.images[row] = _read_small(path)
            batches.labels[row] = label
            if time.monotonic() - last_said > _SAY_EVERY_SECONDS:
                last_said = time.monotonic()
                say(f"CIFAR-10: read {row:,} of {TRAIN_SIZE + TEST_SIZE:,} images of {folder}")
    for number, name in enumerate(BATCH_MD5):
        rows = slice(number * BATCH_SIZE, (number + 1) * BATCH_SIZE)
        try:
            check_batch(name, batches.images[rows], batches.labels[rows], origin=str(folder))
        except DataError as fault:
            raise DataError(f"{fault}; if the names do not carry its order, {_NAMING}") from None
    return batches


def _in_official_order(split: Path) -> list[tuple[Path, int]]:
    """Returns (file, label) of one split, ordered by the leading number of the name."""
    numbered: dict[int, tuple[Path, int]] = {}
    for label, name in enumerate(CIFAR10_CLASSES):
        files = _images_of(split / name)
        for path in files:
            match = re.match(r"[0-9]+", path.name)
            if match is None:
                raise DataError(f"{path} does not carry the official order; {_NAMING}")
            number = int(match[0])
            if number in numbered:
                raise DataError(
                    f"{path} has the same number as {numbered[number][0]}, "
                    f"so the names do not carry the official order; {_NAMING}"
                )
            numbered[number] = (path, label)
    return [numbered[number] for number in sorted(numbered)]


def _images_of(folder: Path) -> list[Path]:
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in _LOSSLESS]
    except OSError as fault:
        raise DataError(
            f"{folder}: {fault.strerror}; train and test need a folder for each of "
            f"{', '.join(CIFAR10_CLASSES)}"
        ) from None
    if not files:
        raise DataError(
            f"{folder} holds no images; put lossless ones ({', '.join(_LOSSLESS)}) there"
        )
    return files


def _read_small(path: Path) -> np.ndarray:
    """Returns (32, 32, 3) uint8; stricter than `read_image`, as digests are compared."""
    try:
        with Image.open(path, formats=tuple(set(_LOSSLESS.values()))) as picture:
            if picture.size != (IMAGE_SIZE, IMAGE_SIZE) or picture.mode != "RGB":
                raise DataError(
                    f"{path} is {picture.size} {picture.mode}, "
                    "expected (32, 32) RGB; export the images as they are"
                )
            return np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as fault:
        raise DataError(f"{path} cannot be decoded ({fault}); export it again") from None
