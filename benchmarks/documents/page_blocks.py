"""The block of docs/page.md."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures
from thriftnet.table import make_table

_MOST_MEGABYTES, _MOST_SECONDS, _MOST_MILLISECONDS = 11, 3, 50
_MOST_DIFFERENCE, _MOST_LEVELS = 1e-5, 2


def pages(figures: Figures) -> dict[str, Any]:
    """Render each page, and the photographs together."""
    columns = (
        "page", ("MB", ".1f"), ("ready, s", ".1f"), ("pixels to answer, ms", ".0f"),
        ("small file to answer, ms", ".0f"), ("difference to ONNX Runtime", ".0e"), "requests",
    )  # fmt: skip
    keys = (
        "megabytes", "ready_median_seconds", "picture_milliseconds", "small_file_milliseconds",
        "largest_difference_to_onnx_runtime", "requests",
    )  # fmt: skip
    rows = [(name, *(page[key] for key in keys)) for name, page in figures["pages"].items()]
    best, photos = figures["pages"]["best, page"], figures["photographs"]
    reached = (
        best["megabytes"] <= _MOST_MEGABYTES
        and best["ready_median_seconds"] <= _MOST_SECONDS
        and best["picture_milliseconds"] <= _MOST_MILLISECONDS
        and best["requests"] == 0
        and best["largest_difference_to_onnx_runtime"] <= _MOST_DIFFERENCE
    )
    levels = max(photo["largest_levels"] for photo in photos)
    same = sum(photo["same_class"] for photo in photos)
    return {
        "table": make_table(columns, rows).markdown(),
        "target": f"for `best`: {_MOST_MEGABYTES} MB, ready in {_MOST_SECONDS} s, "
        f"{_MOST_MILLISECONDS} ms, no request, {_MOST_DIFFERENCE:g}",
        "reached": reached,
        "levels": levels,
        "same": same,
        "count": len(photos),
        "photos_reached": levels <= _MOST_LEVELS and same == len(photos),
    }


PAGE_BLOCKS = {"page": Block("page", "page.py", pages)}
