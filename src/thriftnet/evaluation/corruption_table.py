"""Accuracy under corruption as a table, for terminals, pages and documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thriftnet.evaluation.corruptions.table import OWN, SEVERITIES
from thriftnet.table import Format, Table, make_table


def corruption_table(cells: Mapping[str, Sequence[float]], *, title: str = "") -> Table:
    """Accuracy under each corruption at each severity, and their mean.

    Args:
        cells: Accuracy in [0, 1] under each corruption at severities 1 to 5.
        title: Title of the table on a page.
    """
    severities: list[tuple[str, Format]] = [(f"{s}", ".1%") for s in range(1, SEVERITIES + 1)]
    rows = [
        (f"{name}*" if name in OWN else name, *row, sum(row) / len(row))
        for name, row in cells.items()
    ]
    return make_table(("corruption", *severities, ("mean", ".1%")), rows, title=title, wide=False)
