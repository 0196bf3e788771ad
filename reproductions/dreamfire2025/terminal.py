"""What became of the paper's claims, in a few lines each."""

from __future__ import annotations

from reproductions.dreamfire2025.build import PaperReport
from reproductions.dreamfire2025.judge import MARKS, Judged
from thriftnet.terminal.text import print_wrapped, show_bytes


def print_paper_report(report: PaperReport) -> None:
    """Every claim with its verdict, the count of verdicts, and where the page is."""
    for one in report.claims:
        print_wrapped(_told(one), first=f"{MARKS[one.verdict]} ", indent="  ")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    print()
    print_wrapped(f"{len(report.claims)} claims: {counts}")
    commands = dict.fromkeys(one.command for one in report.claims if one.command)
    for command in commands:
        print_wrapped(command, first="to measure more: ", indent="  ")
    print(f"wrote {report.page} ({show_bytes(report.page.stat().st_size)})")


def _told(one: Judged) -> str:
    text = f"{one.claim.name}: {one.words}"
    if one.claim.claimed is None:
        return text
    here = "" if one.here == "–" else f", here {one.here}"
    return f"{text} (the paper {one.paper}{here})"
