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
    low, middle, high = found.aspects
    shapes = (
        f"{found.square:,} square; width to height {low:.2f} to {high:.2f}, median {middle:.2f}"
    )
    if smallest == largest:
        sizes, shapes = f"all {_by(median)} pixels", f"width to height {middle:.2f}"
    return [
        ("sizes", sizes),
        ("shapes", shapes),
        ("made square", "all are" if found.square == found.pictures else FITS[found.fit]),
        ("channels", f"{found.grey:,} grey, {found.pictures - found.grey:,} in colour"),
    ]


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
