"""The paper's results section made anew from results/: one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reproductions.dreamfire2025 import tables
from reproductions.dreamfire2025.claims import Claims, Erratum, Part, read_claims
from reproductions.dreamfire2025.figures import FIGURES
from reproductions.dreamfire2025.judge import MARKS, Judged, Verdict, judge_all
from reproductions.dreamfire2025.results import Results, ResultsError, read_results
from thriftnet.files import write_whole
from thriftnet.report.page import Page, Section, VerdictCard, render
from thriftnet.report.style import figure_style
from thriftnet.table import Table
from thriftnet.training.environment import package_version
from thriftnet.writable import check_writable

_TONES: dict[Verdict, Literal["", "good", "partly", "bad", "open"]] = {
    "held": "good",
    "held at fewer epochs only": "partly",
    "understated": "good",
    "did not hold": "bad",
    "could not be measured": "",
    "not measured yet": "open",
}


@dataclass(frozen=True)
class PaperReport:
    """What was written."""

    page: Path
    claims: tuple[Judged, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        """Claims by verdict."""
        found = Counter(one.verdict for one in self.claims)
        return {verdict: found[verdict] for verdict in MARKS}


def write_paper_report(results: Path, output: Path) -> PaperReport:
    """Judge every claim by the files of `results` and write the page to `output`.

    Raises:
        ResultsError: There is no such folder, a file is damaged, or the page cannot be written.
    """
    if output.is_dir():
        raise ResultsError(f"{output} is a folder; name a file, such as {output / 'paper.html'}")
    check_writable(output, error=ResultsError)
    found, claims = read_results(results), read_claims()
    judged = judge_all(found)
    report = PaperReport(output, tuple(judged.values()))
    with figure_style():
        page = _page(claims, found, report, judged)
    write_whole(output, render(page), error=ResultsError)
    return report


def _page(claims: Claims, results: Results, report: PaperReport, judged: dict[str, Judged]) -> Page:
    checks = (tables.runs_table(results), tables.checks_table(results))
    return Page(
        title="The paper's results, measured again",
        subtitle=f"{claims.paper.title}. {claims.paper.authors}.",
        facts=tuple((verdict.capitalize(), str(n)) for verdict, n in report.counts.items()),
        missing=(),
        sections=(
            Section("All claims", (), (tables.claims_table(report.claims),)),
            *(_part(part, results, judged) for part in claims.parts),
            _settings(claims),
            Section("Errata", cards=tuple(map(_erratum, claims.errata))),
            *_section("Compared with the paper", checks),
            *_section("Where the figures come from", (tables.files_table(results),)),
            Section("Commands", commands=_commands(report.claims)),
        ),
        footer=f"Written by thriftnet {package_version()} from its claims.yaml and the results "
        "files named above. Intervals are of 95%.",
    )


def _part(part: Part, results: Results, judged: dict[str, Judged]) -> Section:
    drawings = (FIGURES[name](results) for name in part.figures)
    return Section(
        part.title,
        tuple(drawing for drawing in drawings if drawing is not None),
        cards=tuple(_card(judged[claim.name]) for claim in part.claims),
    )


def _settings(claims: Claims) -> Section:
    table = tables.settings_table(claims.settings)
    return Section(table.title, (), (table,))


def _card(one: Judged) -> VerdictCard:
    measured = "Their log" if one.claim.file == "authors-log" else "Here"
    facts = (("The paper", one.paper), (measured, one.here))
    return VerdictCard(
        says=one.claim.says,
        where=one.claim.where,
        mark=MARKS[one.verdict],
        verdict=one.words,
        tone=_TONES[one.verdict],
        facts=facts if one.claim.claimed is not None else (),
        words=one.decided,
        command=one.command,
    )


def _erratum(one: Erratum) -> VerdictCard:
    return VerdictCard(says=one.says, where=one.where, words=one.right)


def _section(title: str, found: Sequence[Table | None]) -> list[Section]:
    shown = tuple(table for table in found if table is not None)
    return [Section(title, (), shown)] if shown else []


def _commands(judged: Sequence[Judged]) -> tuple[tuple[str, str], ...]:
    """This page again, and each command that measures what is not measured yet."""
    lacking: dict[str, list[str]] = {}
    for one in judged:
        if one.command:
            lacking.setdefault(one.command, []).append(one.claim.name)
    return (
        ("This page:", "make paper"),
        *((f"Measures {', '.join(names)}:", command) for command, names in lacking.items()),
    )
