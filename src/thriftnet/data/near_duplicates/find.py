"""Finds near-duplicates: copies, recompressed, tinted, slightly cropped or mirrored pictures."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.near_duplicates.fingerprints import Fingerprints, fingerprints

MAX_BITS = 8
"""Largest Hamming distance of hashes of candidates."""
MIN_SIMILARITY = 0.9
"""Minimum correlation of the thumbnails' gradients of near-duplicates.

Measured by `benchmarks/near_duplicates.py`: below it, pairs of CIFAR-10 begin to show different
objects on similar backgrounds (birds and aeroplanes in the sky, cars on white).
"""
SURE_SIMILARITY = 0.98
"""The same for data in which unrelated pictures look alike, such as trousers on black."""
MAX_REFUTED = 1.0
"""Rejected candidates per picture from which a data set counts as such.

CIFAR-10 has 0.03, Fashion-MNIST 42. Data with many true copies have few rejected candidates.
"""
_ROWS, _COLUMNS = 64, 4096  # a block of distances fits the CPU cache: 2.6 times faster
_PAIRS_AT_ONCE, _BLOCKS_AT_ONCE = 8192, 64
_LARGE_GROUP, _RECOUNT = 1000, 10_000

_Pairs = NDArray[np.int64]
"""(M, 2) positions, the lower first."""


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Near-duplicates among pictures.

    Attributes:
        pairs: (M, 2) int64 positions, lower first, sorted. Copies are paired only with the first of
            them, and groups of over 1,000 pictures do not list every pair.
        similarity: (M,) float32, 1 for copies.
        mirrored: (M,) bool, whether one is the other mirrored.
        copies: (M,) bool, whether all pixels are equal.
        groups: (N,) int64 connected components of the pairs, numbered from 0 in order of their
            first pictures.
    """

    pairs: _Pairs
    similarity: NDArray[np.float32]
    mirrored: NDArray[np.bool_]
    copies: NDArray[np.bool_]
    groups: NDArray[np.int64]


def find_near_duplicates(
    images: NDArray[np.uint8], *, off_centre: NDArray[np.bool_] | None = None
) -> NearDuplicates:
    """Find near-duplicates among pictures, including mirrored ones.

    All pairs of hashes are compared, in blocks of 64 × 4,096: 15 s on one core for 100,000
    pictures. Candidates at most 8 bits apart are compared by pixels.

    Args:
        images: (N, H, W, 3) uint8; may be memory-mapped.
        off_centre: (N,) bool, as of `fingerprints`.
    """
    return pair_fingerprints(fingerprints(images, off_centre=off_centre))


def pair_fingerprints(prints: Fingerprints) -> NearDuplicates:
    """Find near-duplicates from fingerprints."""
    count = len(prints.hashes)
    _, first, kind = np.unique(prints.digests, return_index=True, return_inverse=True)
    copies = np.stack([first[kind], np.arange(count)], axis=1)
    copies = copies[copies[:, 0] != copies[:, 1]]

    pairs, similarity, mirrored = _confirmed(prints, np.sort(first), copies)
    # A symmetric picture is found both ways; keep the pair that is not mirrored.
    order = np.lexsort((mirrored, pairs[:, 1], pairs[:, 0]))
    pairs, similarity, mirrored = pairs[order], similarity[order], mirrored[order]
    new = np.append(True, (np.diff(pairs, axis=0) != 0).any(axis=1))[: len(pairs)]
    pairs = pairs[new]
    return NearDuplicates(
        pairs=pairs,
        similarity=similarity[new],
        mirrored=mirrored[new],
        copies=prints.digests[pairs[:, 0]] == prints.digests[pairs[:, 1]],
        groups=connected_groups(count, pairs),
    )


def _confirmed(
    prints: Fingerprints, distinct: NDArray[np.int64], copies: _Pairs
) -> tuple[_Pairs, NDArray[np.float32], NDArray[np.bool_]]:
    """Copies, and candidates confirmed by pixels."""
    found = [(copies, np.ones(len(copies), np.float32), np.zeros(len(copies), bool))]
    groups, sure, refuted = _SureGroups(len(prints.hashes), copies), [copies], 0
    turned = prints.thumbnails[..., ::-1] if prints.turned is None else prints.turned
    for candidates, mirrored in _candidates(prints.hashes[distinct], prints.mirrored[distinct]):
        pairs = groups.without_connected(distinct[candidates])
        others = turned if mirrored else prints.thumbnails
        similarity = _similarities(prints.thumbnails, others, pairs)
        kept = similarity >= MIN_SIMILARITY
        refuted += int((~kept).sum())
        found.append((pairs[kept], similarity[kept], np.full(kept.sum(), mirrored)))
        sure.append(pairs[similarity >= SURE_SIMILARITY])
        if sum(map(len, sure)) > groups.pairs + _RECOUNT:
            groups = _SureGroups(len(prints.hashes), np.concatenate(sure))
    pairs, similarity, mirrored = (np.concatenate(part) for part in zip(*found, strict=True))
    if refuted > MAX_REFUTED * len(distinct):
        kept = similarity >= SURE_SIMILARITY
        pairs, similarity, mirrored = pairs[kept], similarity[kept], mirrored[kept]
    return pairs, similarity, mirrored


def connected_groups(count: int, pairs: _Pairs) -> NDArray[np.int64]:
    """Number the connected components of `count` pictures in order of their first members."""
    one, other = pairs[:, 0], pairs[:, 1]
    if len(np.unique(other)) == len(other) and not np.isin(one, other).any():
        labels = np.arange(count)  # all pairs start at the first of their group
        labels[other] = one
    else:
        from scipy.sparse import coo_array  # takes 0.2 s to import
        from scipy.sparse.csgraph import connected_components

        graph = coo_array((np.ones(len(pairs), bool), (one, other)), shape=(count, count))
        _, labels = connected_components(graph, directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


class _SureGroups:
    """Avoids comparing all pairs within a large group, such as the frames of a film."""

    def __init__(self, count: int, pairs: _Pairs) -> None:
        self.pairs = len(pairs)
        self.groups = connected_groups(count, pairs)
        self.large = np.bincount(self.groups, minlength=1)[self.groups] > _LARGE_GROUP

    def without_connected(self, pairs: _Pairs) -> _Pairs:
        """Remove pairs that are already in the same large group."""
        one, other = pairs.T
        return pairs[~(self.large[one] & (self.groups[one] == self.groups[other]))]


def _candidates(
    hashes: NDArray[np.uint64], mirrored: NDArray[np.uint64]
) -> Iterator[tuple[_Pairs, bool]]:
    """Pairs whose hashes differ by few bits, in batches; then mirrored pairs."""
    tops = range(0, len(hashes), _ROWS)
    with ThreadPoolExecutor() as pool:  # NumPy releases the GIL
        for others, is_mirrored in ((hashes, False), (mirrored, True)):
            near = functools.partial(_near, hashes, others)
            for start in range(0, len(tops), _BLOCKS_AT_ONCE):
                for pairs in pool.map(near, tops[start : start + _BLOCKS_AT_ONCE]):
                    if len(pairs):
                        yield pairs, is_mirrored


def _near(hashes: NDArray[np.uint64], others: NDArray[np.uint64], top: int) -> _Pairs:
    """Pairs of a block of rows with later pictures whose hashes differ by few bits."""
    rows, batch = hashes[top : top + _ROWS, None], [np.empty((0, 2), np.int64)]
    for left in range(top, len(hashes), _COLUMNS):
        distances = np.bitwise_count(rows ^ others[None, left : left + _COLUMNS])
        at = np.flatnonzero(distances <= MAX_BITS)  # faster than nonzero of two dimensions
        if len(at):
            row, column = np.divmod(at, distances.shape[1])
            batch.append(np.stack([row + top, column + left], axis=1))
    pairs = np.concatenate(batch)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _similarities(
    thumbnails: NDArray[np.uint8], others: NDArray[np.uint8], pairs: _Pairs
) -> NDArray[np.float32]:
    """(M,) correlation of the gradients of a thumbnail and another; 0 where one is flat.

    Gradients ignore brightness and its slow variation, which unrelated pictures share; the
    correlation ignores contrast.
    """
    found = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        one, other = thumbnails[pairs[part, 0]], others[pairs[part, 1]]
        a, b = _gradients(one), _gradients(other)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        found[part] = np.einsum("nd,nd->n", a, b) / np.maximum(lengths, 1e-6)
    return found


def _gradients(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(M, 16, 16) to (M, 448): central differences along both sides, each with mean 0."""
    grey = thumbnails.astype(np.float32)
    across = grey[:, :, 2:] - grey[:, :, :-2]
    down = grey[:, 2:] - grey[:, :-2]
    return np.concatenate(
        [(d - d.mean(axis=(1, 2), keepdims=True)).reshape(len(grey), -1) for d in (across, down)],
        axis=1,
    )
