"""Networks with capacity moved from over-capacity stages to bottlenecks.

Pure functions of an analysis and a parameter count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BLOCKS = 4
"""Maximum number of blocks exchanged for one: blocks of earlier stages have a quarter of the
size."""
WIDER = 0.25
"""Relative increase of a bottleneck's width."""
TOLERANCE = 1.05
"""Maximum of a shifted network's parameters, relative to the original."""


@dataclass(frozen=True)
class Shape:
    """Blocks and channels of each stage."""

    blocks: tuple[int, ...]
    channels: tuple[int, ...]

    @property
    def changes(self) -> dict[str, Any]:
        """As recipe keys."""
        return {"model.blocks": list(self.blocks), "model.channels": list(self.channels)}


Count = Callable[[Shape], int]
"""Parameters of a network."""


def donors_and_takers(stages: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Pairs of stages (from, to) to shift capacity between, by priority; counted from 0.

    Without an over-capacity stage or a bottleneck, the stage with the lowest or highest ratio is
    used.

    Args:
        stages: Stages of an analysed network with `name`, `verdict` and `ratio`.
    """
    ranked = sorted(stages, key=lambda stage: (stage["ratio"], stage["name"]))
    if len(ranked) < 2:
        return []
    donors = [s for s in ranked if s["verdict"] == "over-capacity"] or ranked[:1]
    takers = [s for s in reversed(ranked) if s["verdict"] == "bottleneck"]
    takers = takers or ([s for s in ranked if s not in donors] or ranked)[-1:]
    pairs = [(give, take) for give in donors for take in takers if give["name"] != take["name"]]
    pairs.sort(key=lambda pair: pair[0]["ratio"] - pair[1]["ratio"])
    return [(_place(give), _place(take)) for give, take in pairs]


def shifted(shape: Shape, give: int, take: int, count: Count) -> list[Shape]:
    """A shift of blocks and one of width with about equal parameters, if they exist.

    Args:
        shape: To start from.
        give: Stage that loses, counted from 0.
        take: Stage that gains.
        count: Counts a shape's parameters.
    """
    start = count(shape)
    found = [
        _closest(_block_shifts(shape, give, take), start, count),
        _closest(_width_shifts(shape, give, take), start, count),
    ]
    return [each for each in found if each is not None]


def _block_shifts(shape: Shape, give: int, take: int) -> list[Shape]:
    """Exchange one block for one or more, or several for one."""
    found: list[Shape] = []
    for less in range(1, MOST_BLOCKS + 1):
        for more in range(1, MOST_BLOCKS + 1):
            if min(less, more) == 1 and shape.blocks[give] > less:
                blocks = _replace(shape.blocks, give, shape.blocks[give] - less)
                blocks = _replace(blocks, take, blocks[take] + more)
                found.append(Shape(blocks, shape.channels))
    return found


def _width_shifts(shape: Shape, give: int, take: int) -> list[Shape]:
    """Widen one stage, for each narrower width of the other down to half."""
    width, other = shape.channels[take], shape.channels[give]
    unit = _unit(width)
    wider = _replace(shape.channels, take, width + max(unit, round(WIDER * width / unit) * unit))
    narrower = range(other - _unit(other), max(1, other // 2) - 1, -_unit(other))
    return [Shape(shape.blocks, _replace(wider, give, each)) for each in narrower]


def _closest(shapes: Sequence[Shape], start: int, count: Count) -> Shape | None:
    """The shape with the closest parameter count within the tolerance."""
    counted = [(abs(count(shape) - start), at, shape) for at, shape in enumerate(shapes)]
    allowed = [entry for entry in counted if count(entry[2]) <= TOLERANCE * start]
    return min(allowed, key=lambda entry: entry[:2])[2] if allowed else None


def _unit(width: int) -> int:
    """Step of channel counts: wide stages are fastest in multiples of 8."""
    return 8 if width >= 32 else 2


def _replace(values: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _place(stage: Mapping[str, Any]) -> int:
    return int(stage["name"].split()[-1]) - 1
