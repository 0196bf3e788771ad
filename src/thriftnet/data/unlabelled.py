"""Reads the pickle of unlabelled images to predict, each with an id."""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.cifar10.facts import IMAGE_BYTES
from thriftnet.data.cifar10.formats import as_integers, channels_last
from thriftnet.data.unpickle import read_pickle
from thriftnet.errors import DataError
from thriftnet.files import open_regular


def read_unlabelled(path: Path | str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Reads a pickled dictionary of `data` and `ids`.

    Args:
        path: the pickle; `data` is (N, H, W, 3) uint8, or (N, 3072) uint8 channel-first of 32x32
            pixels, `ids` N integers.

    Returns:
        Images (N, H, W, 3) uint8 and identities (N,) int64.

    Raises:
        DataError: the file cannot be read, holds executable content, or has other shapes or types.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            blob = file.read()
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror}; give the path of a pickle") from None
    content = read_pickle(blob, origin=str(path))
    entries = cast("dict[object, object]", content) if isinstance(content, dict) else {}
    data = entries.get(b"data", entries.get("data"))
    ids = entries.get(b"ids", entries.get("ids"))
    if data is None or ids is None:
        raise DataError(f"{path} is not a dictionary with `data` and `ids`; write both keys")
    images = _images(data, path)
    return images, _identities(ids, len(images), path)


def _images(data: object, path: Path) -> NDArray[np.uint8]:
    if isinstance(data, np.ndarray) and data.dtype == np.uint8:
        if data.ndim == 4 and data.shape[3] == 3 and min(data.shape[1:]) > 0:
            return data
        if data.shape[1:] == (IMAGE_BYTES,):
            return channels_last(data, str(path))
    found = f"{data.shape} {data.dtype}" if isinstance(data, np.ndarray) else type(data).__name__
    raise DataError(f"{path}: `data` is {found}; give (N, H, W, 3) uint8 or (N, 3072) uint8")


def _identities(ids: object, count: int, path: Path) -> NDArray[np.int64]:
    values = as_integers(ids)
    if values is None or len(values) != count:
        found = "no list of integers" if values is None else f"{len(values)} integers"
        raise DataError(
            f"{path}: `ids` is {found} for {count} images; give one integer below 2**63 per image"
        )
    if count and values.max() > np.iinfo(np.int64).max:
        raise DataError(f"{path}: `ids` holds {values.max()}; give integers below 2**63")
    return values.astype(np.int64)
