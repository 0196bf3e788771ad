"""Verifies CIFAR-10 by the digests of its batches."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.cifar10.facts import BATCH_MD5, BATCH_SIZE, IMAGE_BYTES, IMAGE_SIZE
from thriftnet.errors import DataError


def batch_md5(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> str:
    """Returns the MD5 of one batch in the official binary layout.

    Args:
        images: (N, 32, 32, 3).
        labels: (N,).
    """
    records = np.empty((len(images), 1 + IMAGE_BYTES), dtype=np.uint8)
    records[:, 0] = labels
    # (N, 32, 32, 3) -> (N, 3, 32, 32): one plane of each colour, as the official files have it
    records[:, 1:] = images.transpose(0, 3, 1, 2).reshape(len(images), IMAGE_BYTES)
    return hashlib.md5(records.data, usedforsecurity=False).hexdigest()


def check_batch(
    name: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], *, origin: str
) -> None:
    """Checks a batch of CIFAR-10.

    Args:
        name: `data_batch_1` … `data_batch_5` or `test_batch`.
        images: (10000, 32, 32, 3).
        labels: (10000,).
        origin: where it was read from, for the message.

    Raises:
        DataError: the shapes or the digest differ.
    """
    shape = (BATCH_SIZE, IMAGE_SIZE, IMAGE_SIZE, 3)
    if images.shape != shape or labels.shape != (BATCH_SIZE,):
        raise DataError(
            f"{origin}: {name} holds images {images.shape} and labels {labels.shape}, "
            f"expected {shape} and ({BATCH_SIZE},); get a fresh copy"
        )
    digest = batch_md5(images, labels)
    if digest != BATCH_MD5[name]:
        raise DataError(
            f"{origin}: {name} has digest {digest}, expected {BATCH_MD5[name]}; "
            "the copy is damaged or altered: get a fresh one"
        )
