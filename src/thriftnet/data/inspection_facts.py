"""Presents an inspection as a table and short facts, for terminals and pages."""

from __future__ import annotations

from thriftnet.data.inspection import FITS, Inspection
from thriftnet.table import Table, make_table


def counts_table(found: Inspection) -> Table:
    """Pictures of each class in each split, and the total."""
    splits = list(found.counts)
    labels = list(next(iter(found.counts.values())))
    rows = [(label, *(found.counts[split][label] for split in splits)) for label in labels]
    rows = [(*row, sum(row[1:])) for row in rows]
    total = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return make_table(("class", *splits, "total"), [*rows, ("total", *total)], title="Pictures")


def facts(found: Inspection) -> list[tuple[str, str]]:
    """Names and values of facts about the pictures."""
    smallest, median, largest = zip(found.widths, found.heights, strict=True)
    sizes = f"{_by(median)} pixels (median), widths {found.widths[0]} to {found.widths[2]}, "
    sizes += f"heights {found.heights[0]} to {found.heights[2]}"
    low, middle, high = map(_aspect, found.aspects)
    shapes = f"{found.square:,} square; width to height {low} to {high}, median {middle}"
    if smallest == largest:
        sizes, shapes = f"all {_by(median)} pixels", f"width to height {middle}"
    return [
        ("sizes", sizes),
        ("shapes", shapes),
        ("made square", "all are" if found.square == found.pictures else FITS[found.fit]),
        ("channels", f"{found.grey:,} grey, {found.pictures - found.grey:,} in colour"),
    ]


def _aspect(value: float) -> str:
    """With two decimals; of a strip such as 1:3000, which would be 0.00."""
    if value < 0.1:
        return f"1:{1 / value:.0f}"
    return f"{value:.0f}:1" if value > 10 else f"{value:.2f}"


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
