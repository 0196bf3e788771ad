"""A report of one run or of several: its figures as files and the page that holds them all."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.report import overlay, tables
from thriftnet.report.page import Page, Section, render
from thriftnet.report.record import RunRecord, read_record
from thriftnet.report.record_groups import group_notes, group_records
from thriftnet.report.single import single_page
from thriftnet.report.style import figure_style
from thriftnet.training.environment import package_version


@dataclass(frozen=True)
class Report:
    """What was written."""

    page: Path
    """The HTML file."""
    figures: tuple[Path, ...]
    """PNG and SVG files."""
    missing: tuple[str, ...]
    """What could not be shown, in sentences with remedies."""


def write_report(
    runs: Sequence[Path], *, output: Path | None = None, data: Path | None = None
) -> Report:
    """Write a report as `thriftnet.write_report` says; a run that is named twice counts once."""
    distinct = list(dict.fromkeys(path.resolve() for path in runs))
    given = {path.resolve(): path for path in reversed(runs)}
    records = [read_record(given[path]) for path in distinct]
    first = records[0].run
    folder = output or (first.path if len(records) == 1 else first.path.parent / "report")
    with figure_style():
        page = single_page(records[0], data=data) if len(records) == 1 else _shared_page(records)
    figures = folder / first.figures_path.name
    files: list[Path] = []
    for drawing in page.drawings:
        for ending, content in (("svg", drawing.svg.encode()), ("png", drawing.png)):
            files.append(figures / f"{drawing.name}.{ending}")
            write_whole(files[-1], content, error=RunError)
    target = folder / first.report_path.name
    write_whole(target, render(page), error=RunError)
    return Report(target, tuple(files), page.missing)


def _shared_page(records: list[RunRecord]) -> Page:
    """Several runs: one table, and groups of seeds over each other."""
    groups = group_records(records)
    missing = group_notes(groups)
    for record in records:
        cut = [text for text in record.missing if "predictions" not in text]
        missing += [f"{record.run.name}: {text}" for text in cut]
    if len(groups) > overlay.MOST_GROUPS:
        left = ", ".join(group.label for group in groups[overlay.MOST_GROUPS :])
        missing.append(f"Figures hold {overlay.MOST_GROUPS} recipes; left out: {left}.")
    drawings = overlay.draw_overlays(groups[: overlay.MOST_GROUPS])
    differences = tables.differences_table(groups)
    commands = [
        ("All that is known of one run:", shlex.join(["thriftnet", "report", str(r.run.path)]))
        for r in records[:1]
    ]
    paths = [str(record.run.path) for record in records]
    commands.append(("This page:", shlex.join(["thriftnet", "report", *paths])))
    return Page(
        title=" against ".join(group.label for group in groups[:3])
        + (f" and {len(groups) - 3} more" if len(groups) > 3 else ""),
        subtitle=f"{len(records)} runs of {len(groups)} recipe{'s' if len(groups) > 1 else ''}",
        facts=(),
        missing=tuple(missing),
        sections=(
            Section("Runs", (), (tables.runs_table(groups),)),
            Section("Figures", tuple(drawings), (differences,) if differences else ()),
            Section("Commands", commands=tuple(commands)),
        ),
        footer=f"Written by thriftnet {package_version()}.",
    )
