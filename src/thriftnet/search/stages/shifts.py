"""Networks that move capacity from a stage that does not use it to one that lacks it.

Pure functions of an analysis and of a count of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BLOCKS = 4
"""Blocks that one block may be changed for: early ones are a quarter of a later one's size each."""
WIDER = 0.25
"""Share of its width that a bottleneck gains."""
TOLERANCE = 1.05
"""Most parameters of a shifted network, as a share of those that it comes from."""


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
    """Pairs of stages (from, to) to shift capacity between, the clearest first; counted from 0.

    Where no stage is called over-capacity or no stage a bottleneck, the one that adds least, or
    most, for what it costs stands in.

    Args:
        stages: Of an analysed network: `name`, `verdict` and `ratio` of each.
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
    """A shift of blocks and one of width, each about equal in parameters; none that is not there.

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
    """One block less there, one or more here; or one more here for several there."""
    found: list[Shape] = []
    for less in range(1, MOST_BLOCKS + 1):
        for more in range(1, MOST_BLOCKS + 1):
            if min(less, more) == 1 and shape.blocks[give] > less:
                blocks = _replace(shape.blocks, give, shape.blocks[give] - less)
                blocks = _replace(blocks, take, blocks[take] + more)
                found.append(Shape(blocks, shape.channels))
    return found


def _width_shifts(shape: Shape, give: int, take: int) -> list[Shape]:
    """A wider stage here, for each narrower width there down to half."""
    width, other = shape.channels[take], shape.channels[give]
    unit = _unit(width)
    wider = _replace(shape.channels, take, width + max(unit, round(WIDER * width / unit) * unit))
    narrower = range(other - _unit(other), max(1, other // 2) - 1, -_unit(other))
    return [Shape(shape.blocks, _replace(wider, give, each)) for each in narrower]


def _closest(shapes: Sequence[Shape], start: int, count: Count) -> Shape | None:
    """The one of nearest count that is not much over the start's, the first of equals."""
    counted = [(abs(count(shape) - start), at, shape) for at, shape in enumerate(shapes)]
    allowed = [entry for entry in counted if count(entry[2]) <= TOLERANCE * start]
    return min(allowed, key=lambda entry: entry[:2])[2] if allowed else None


def _unit(width: int) -> int:
    """Channels by which a width moves: wide stages are fastest in multiples of 8."""
    return 8 if width >= 32 else 2


def _replace(values: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _place(stage: Mapping[str, Any]) -> int:
    return int(stage["name"].split()[-1]) - 1
