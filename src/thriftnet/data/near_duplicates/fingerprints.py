"""Fingerprints of pictures: a perceptual hash, a thumbnail and a digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16
"""Height and width of the grey thumbnails, in pixels."""
_SIDE, _FREQUENCIES = 32, 8
_PIXELS_AT_ONCE = 2_000_000
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_FLAT = 0.01
"""Margin of a coefficient over the median, against rounding errors of flat pictures."""


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints for finding near-duplicates, one row per picture.

    Attributes:
        hashes: (N,) uint64, one bit per frequency.
        mirrored: (N,) uint64, the hashes of the pictures mirrored left to right.
        thumbnails: (N, 16, 16) uint8, grey.
        digests: (N,) int64; equal if all pixels are equal.
        turned: (N, 16, 16) uint8, thumbnails of the mirrored pictures; None: as they are, mirrored.
    """

    hashes: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    digests: NDArray[np.int64]
    turned: NDArray[np.uint8] | None = None


def fingerprints(
    images: NDArray[np.uint8], *, off_centre: NDArray[np.bool_] | None = None
) -> Fingerprints:
    """Compute fingerprints in chunks of a few megabytes.

    The hash is pHash: the lowest 8×8 DCT-II coefficients of the picture in grey at 32×32, with a
    bit for each above the median. Downscaling and DCT are combined in one matrix per side.

    Args:
        images: (N, H, W, 3) uint8; may be memory-mapped.
        off_centre: (N,) bool, which have a margin of one column more on the right than on the left.
            Mirrored before it was padded, such a picture would be a column further left.
    """
    count, height, width = images.shape[:3]
    hashes, mirrored = np.empty((2, count), dtype=np.uint64)
    thumbnails = np.empty((count, THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    turned = None if off_centre is None else np.empty_like(thumbnails)
    digests = np.empty(count, dtype=np.int64)
    rows, columns = (_cosines() @ _area_weights(side, _SIDE) for side in (height, width))
    reduce_rows, reduce_columns = (_area_weights(side, THUMBNAIL) for side in (height, width))
    # Mirroring changes the sign of coefficients with odd horizontal frequency.
    signs = np.where(np.arange(_FREQUENCIES) % 2, -1, 1).astype(np.float32)
    step = max(1, _PIXELS_AT_ONCE // (height * width))
    for start in range(0, count, step):
        part = slice(start, start + step)
        grey = images[part] @ _GREY  # (n, H, W)
        coefficients = rows @ grey @ columns.T  # (n, 8, 8)
        hashes[part] = _bits(coefficients)
        mirrored[part] = _bits(coefficients * signs)
        thumbnails[part] = np.rint(reduce_rows @ grey @ reduce_columns.T)
        digests[part] = [_digest(image) for image in images[part]]
        if off_centre is not None and turned is not None:
            turned[part] = thumbnails[part][..., ::-1]
            at = start + np.flatnonzero(off_centre[part])
            grey = np.roll(grey[at - start, :, ::-1], -1, axis=2)
            mirrored[at] = _bits(rows @ grey @ columns.T)
            turned[at] = np.rint(reduce_rows @ grey @ reduce_columns.T)
    return Fingerprints(hashes, mirrored, thumbnails, digests, turned)


def _area_weights(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) matrix of area averaging."""
    edges = np.linspace(0, source, target + 1)
    pixels = np.arange(source)
    ends = np.minimum(edges[1:, None], pixels + 1)
    overlap = np.clip(ends - np.maximum(edges[:-1, None], pixels), 0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def _cosines() -> NDArray[np.float32]:
    """(8, 32) the lowest rows of the orthonormal DCT-II."""
    angles = np.pi / _SIDE * np.outer(np.arange(_FREQUENCIES), np.arange(_SIDE) + 0.5)
    rows = np.cos(angles) * np.sqrt(2 / _SIDE)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)


def _bits(coefficients: NDArray[np.floating]) -> NDArray[np.uint64]:
    """(n, 8, 8) coefficients as (n,) hashes."""
    flat = coefficients.reshape(-1, _FREQUENCIES**2)
    above = flat > np.median(flat, axis=1, keepdims=True) + _FLAT
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def _digest(image: NDArray[np.uint8]) -> int:
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), signed=True)
