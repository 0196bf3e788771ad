"""Blocks of docs/data.md: the cost of opening 100,000 pictures, and the gain of class balancing."""

from __future__ import annotations

from documents.quoting import Block, Figures
from thriftnet.table import Table, make_table


def scale_rows(figures: Figures) -> Table:
    """Rows with seconds and memory of a first and a later start."""
    first, later, alone = (
        figures[key] for key in ("first_start", "second_start", "decoding_alone")
    )
    columns = (
        "what",
        ("time", "{:.1f} s".format),
        ("memory over the mapped cache", "{:.0f} MB".format),
    )
    rows = [
        (f"decoding {figures['pictures']:,} pictures, nothing kept", alone["seconds"], None),
        ("first start, with the search for near-duplicates", first["seconds"],
         first["over_mapping_mb"]),
        ("every later start", later["seconds_median"], later["over_mapping_mb"]),
    ]  # fmt: skip
    return make_table(columns, rows)


def balance_rows(figures: Figures) -> Table:
    """Rows with accuracy and balanced accuracy of each method on each data set."""
    sets = figures["sets"]
    columns = ["weights", *((f"{name}: accuracy, balanced", str) for name in sets)]
    ways = next(iter(sets.values()))["ways"]
    rows = [
        (way, *(f"{each['ways'][way]['accuracy']:.1%}, {each['ways'][way]['balanced_accuracy']:.1%}"
                for each in sets.values()))
        for way in ways
    ]  # fmt: skip
    return make_table(columns, rows)


DATA_BLOCKS = {
    "own-data-scale": Block("own_data_scale", "own_data_scale.py", scale_rows),
    "balance": Block("balance", "balance.py --tuxpaint DIR --cells DIR", balance_rows),
}
