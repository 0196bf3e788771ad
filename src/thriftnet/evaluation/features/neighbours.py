"""The nearest images by penultimate features."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

_VALUES_AT_ONCE = 2**24

Floats = NDArray[np.float32]


class Nearest(NamedTuple):
    """The nearest images of an index to each query, the most similar first."""

    positions: NDArray[np.int64]
    """(N, k) positions in the index."""
    similarity: Floats
    """(N, k) cosine similarities."""


def unit_features(features: NDArray[Any]) -> Floats:
    """(N, F) features scaled to length 1; those that are all zero stay so."""
    values = features.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(lengths, 1e-12)


def nearest(queries: Floats, index: NDArray[Any], count: int) -> Nearest:
    """The nearest of (M, F) unit features to each of (N, F) queries.

    Args:
        queries: (N, F), each of length 1.
        index: (M, F), each of length 1.
        count: Number of neighbours; at most M are found.
    """
    count = min(count, len(index))
    known = torch.from_numpy(index.astype(np.float32)).T.contiguous()
    at_once = max(1, _VALUES_AT_ONCE // max(1, len(index)))
    found: list[tuple[NDArray[np.int64], Floats]] = []
    for start in range(0, len(queries), at_once):
        part = torch.from_numpy(np.ascontiguousarray(queries[start : start + at_once]))
        similarity, positions = (part @ known).topk(count, dim=1)
        found.append((positions.numpy(), similarity.numpy()))
    if not found:
        return Nearest(np.empty((0, count), np.int64), np.empty((0, count), np.float32))
    positions, similarity = (np.concatenate(each) for each in zip(*found, strict=True))
    return Nearest(positions, similarity)


def typicality(queries: Floats, index: NDArray[Any]) -> Floats:
    """(N,) mean similarity to the ten nearest images of an index; low: unlike all of them.

    After the distance to nearest neighbours of Sun et al. 2022, arXiv 2204.06507.
    """
    return nearest(queries, index, 10).similarity.mean(axis=1)
