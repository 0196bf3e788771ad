"""Reads CIFAR-10-C and CIFAR-10.1 as published: NumPy files in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.cifar10.facts import CIFAR10_CLASSES, IMAGE_SIZE
from thriftnet.data.dataset import Dataset
from thriftnet.errors import DataError

_SEVERITIES = 5
_LABELS = "labels.npy"
_TELLING = ("contrast", "fog", "jpeg_compression")
"""Files by which CIFAR-10-C is told, even without its labels or one of its files."""
_CIFAR10_1 = ("v6", "v4")


@dataclass(frozen=True)
class CorruptedFiles:
    """CIFAR-10-C: one file per corruption, with its severities in sequence."""

    folder: Path
    labels: NDArray[np.int64]
    """(N,), the same at each severity."""

    def check(self, names: tuple[str, ...]) -> None:
        """Check that every file exists and has the right shape, before long computations.

        Raises:
            DataError: One is missing or of another shape.
        """
        missing = [name for name in names if not (self.folder / f"{name}.npy").is_file()]
        if missing:
            raise DataError(
                f"{self.folder} lacks {', '.join(missing)}; unpack CIFAR-10-C.tar there again"
            )
        for name in names:
            self._file(name)

    def images(self, name: str, severity: int) -> NDArray[np.uint8]:
        """(N, 32, 32, 3) uint8 of one corruption at a severity from 1 to 5.

        Raises:
            DataError: The file is missing, damaged or of another shape.
        """
        count = len(self.labels)
        return self._file(name)[(severity - 1) * count : severity * count]

    def _file(self, name: str) -> NDArray[np.uint8]:
        return _load(
            self.folder / f"{name}.npy",
            shape=(_SEVERITIES * len(self.labels), IMAGE_SIZE, IMAGE_SIZE, 3),
        )


def find_cifar10_c(path: Path) -> Path | None:
    """The folder of CIFAR-10-C: a folder or the one of that name in it; None if it is neither."""
    for folder in (path, path / "CIFAR-10-C"):
        if any((folder / f"{name}.npy").is_file() for name in _TELLING):
            return folder
    return None


def open_cifar10_c(path: Path) -> CorruptedFiles:
    """CIFAR-10-C from its folder.

    Raises:
        DataError: The labels are missing or damaged, or not the same at each of five severities.
    """
    if not (path / _LABELS).is_file():
        raise DataError(f"{path} lacks {_LABELS}; unpack CIFAR-10-C.tar there again")
    labels = _load(path / _LABELS, shape=None)
    if labels.ndim != 1 or len(labels) % _SEVERITIES or not len(labels):
        raise DataError(
            f"{path / _LABELS} is {labels.shape}, expected one label an image at five severities; "
            "unpack CIFAR-10-C.tar again"
        )
    blocks = labels.astype(np.int64).reshape(_SEVERITIES, -1)
    if (blocks != blocks[0]).any():
        raise DataError(f"{path / _LABELS} differs between severities; unpack CIFAR-10-C.tar again")
    return CorruptedFiles(path, blocks[0])


def find_cifar10_1(path: Path) -> tuple[Dataset, str] | None:
    """Open CIFAR-10.1 from its folder, preferring version 6 to 4; None for another folder.

    Raises:
        DataError: A file is missing, damaged or of another shape.
    """
    for version in _CIFAR10_1:
        images, labels = (path / f"cifar10.1_{version}_{part}.npy" for part in ("data", "labels"))
        there = [each for each in (images, labels) if each.is_file()]
        if len(there) == 1:
            (missing,) = {images, labels} - {*there}
            raise DataError(f"{path} has {there[0].name} without {missing.name}; get that one, too")
        if there:
            values = _load(labels, shape=None).astype(np.int64)
            known = range(len(CIFAR10_CLASSES))
            if values.ndim != 1 or not len(values) or not {*values.flat} <= {*known}:
                raise DataError(f"{labels} is not a row of labels from 0 to 9; get a new copy")
            shape = (len(values), IMAGE_SIZE, IMAGE_SIZE, 3)
            pixels = _load(images, shape=shape)
            return Dataset(pixels, values, CIFAR10_CLASSES), f"cifar10.1-{version}"
    return None


def _load(path: Path, *, shape: tuple[int, ...] | None) -> NDArray[np.uint8]:
    """Memory-map an array; nothing in the file is executed.

    Args:
        path: The .npy file.
        shape: Required shape, as uint8; None: any integers.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError("it is an archive of arrays")
    # Damaged bytes can raise almost any exception.
    except Exception as fault:
        reason = " ".join(str(fault).split())[:100]
        raise DataError(f"{path} cannot be read ({reason}); get a new copy") from None
    kind = found.dtype.kind
    if (shape is None and kind not in "iu") or (
        shape is not None and (found.shape != shape or found.dtype != np.uint8)
    ):
        wanted = "integers" if shape is None else f"{shape} uint8"
        raise DataError(f"{path} is {found.shape} {found.dtype}, expected {wanted}; get a new copy")
    return found
