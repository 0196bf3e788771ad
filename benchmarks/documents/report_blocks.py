"""Blocks of docs/reports.md: what a report and a list of runs take, and what axe finds."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures


def accessibility(figures: Figures) -> dict[str, Any]:
    """The kinds of pages that were checked, and how many pages of the site."""
    names = list(dict.fromkeys(check["page"] for check in figures["checks"]))
    pages = [name for name in names if not name.startswith("site: ")]
    return {"pages": pages, "site_pages": len(names) - len(pages)}


REPORT_BLOCKS = {
    "report-speed": Block("report_speed", "report_speed.py"),
    "runs-speed": Block("runs_speed", "runs_speed.py"),
    "report-accessibility": Block(
        "report_accessibility", "report_accessibility.py --axe FILE", accessibility
    ),
}
