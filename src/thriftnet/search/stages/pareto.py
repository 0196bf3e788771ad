"""The Pareto set of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def pareto(points: Mapping[str, Sequence[float]]) -> set[str]:
    """Names of the non-dominated points.

    Args:
        points: By name; smaller is better in every coordinate.
    """
    return {
        name
        for name, own in points.items()
        if not any(_dominates(other, own) for other in points.values())
    }


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
