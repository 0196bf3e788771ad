"""Decoded pictures of an index, with their sizes, statistics and digests."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index, Omission
from thriftnet.data.options import Fit
from thriftnet.data.own.decoding import DIGEST_BYTES, check_unchanged, decode_all
from thriftnet.errors import DataError
from thriftnet.phases import phase


@dataclass(frozen=True, eq=False)
class DecodedPictures:
    """The pictures of an index that could be decoded."""

    images: NDArray[np.uint8]
    """(N, size, size, 3), memory-mapped if cached."""
    at: NDArray[np.int64]
    """(N,) positions in the entries of the index."""
    sizes: NDArray[np.int32]
    """(N, 2) original width and height of the upright pictures, in pixels."""
    sums: NDArray[np.int64]
    """(N, 6) sums of the red, green and blue values, then of their squares."""
    digests: NDArray[np.uint8]
    """(N, 16) digest of each picture's file or pixels."""
    omissions: list[Omission]


@dataclass
class Facts:
    """Sizes, statistics and digests of pictures, while they are collected: 80 bytes each."""

    at: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("i"))
    sums: array[int] = field(default_factory=lambda: array("q"))
    digests: bytearray = field(default_factory=bytearray)
    omissions: list[Omission] = field(default_factory=list[Omission])

    def arrays(self) -> dict[str, Any]:
        """The fields of `DecodedPictures` that are arrays, without the images."""
        return {
            "at": np.array(self.at, np.int64),
            "sizes": np.array(self.sizes, np.int32).reshape(-1, 2),
            "sums": np.array(self.sums, np.int64).reshape(-1, 6),
            "digests": np.frombuffer(bytes(self.digests), np.uint8).reshape(-1, DIGEST_BYTES),
        }


def collect(
    index: Index,
    *,
    size: int,
    fit: Fit,
    say: Callable[[str], None],
    keep: Callable[[NDArray[np.uint8]], object],
) -> Facts:
    """Decode the pictures of an index.

    Args:
        index: The pictures.
        size: Height and width, in pixels.
        fit: How pictures are made square.
        say: Called with progress.
        keep: Called with the pixels of each, (size, size, 3), in the order of the index.

    Raises:
        DataError: None can be decoded, or a file changed during reading.
    """
    facts = Facts()
    count = len(index.entries)
    decoding = contextlib.closing(decode_all(index, size=size, fit=fit, say=say))
    with decoding as pictures, phase("decoding pictures") as counted:
        for at, (entry, found) in enumerate(zip(index.entries, pictures, strict=True)):
            counted(at + 1, count)
            if isinstance(found, str):
                facts.omissions.append(Omission(str(entry.origin), found))
                continue
            keep(found.pixels)
            facts.at.append(at)
            facts.sizes.extend((found.width, found.height))
            facts.sums.frombytes(found.sums.tobytes())
            facts.digests += found.digest
    check_unchanged(index)
    if not facts.at:
        raise DataError(f"none of {count:,} pictures can be decoded: {facts.omissions[0]}")
    return facts


def decode_in_memory(
    index: Index, *, size: int, fit: Fit, say: Callable[[str], None]
) -> DecodedPictures:
    """Decode the pictures of an index into memory.

    Raises:
        DataError: None can be decoded.
    """
    images = np.empty((len(index.entries), size, size, 3), np.uint8)
    count = 0

    def keep(pixels: NDArray[np.uint8]) -> None:
        nonlocal count
        images[count] = pixels
        count += 1

    facts = collect(index, size=size, fit=fit, say=say, keep=keep)
    return DecodedPictures(images[:count], **facts.arrays(), omissions=facts.omissions)
