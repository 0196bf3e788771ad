"""Several runs as a page: compared, in one table, and over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thriftnet.commands import command
from thriftnet.names import LONGEST, common_start, short_names
from thriftnet.report import tables
from thriftnet.report.page import THIS_PAGE, Page, Section
from thriftnet.report.record import RunRecord, folders_of
from thriftnet.report.several import overlay
from thriftnet.report.several.comparison import comparison_section
from thriftnet.report.several.record_groups import RecordGroup, group_notes, group_records
from thriftnet.training.environment import package_version

_NAMED = 3
"""Runs named in a sentence; of more, the number."""


def shared_page(records: list[RunRecord]) -> Page:
    """Several runs: what can be shown of their differences, and groups of seeds together."""
    groups = group_records(records)
    missing = group_notes(groups)
    names = [record.run.name for record in records]
    shown = dict(zip(names, short_names(names, longest=LONGEST), strict=True))
    missing += _missing(records, shown)
    if len(groups) > overlay.MOST_GROUPS:
        left = ", ".join(group.label for group in groups[overlay.MOST_GROUPS :])
        missing.append(f"Figures hold {overlay.MOST_GROUPS} recipes; left out: {left}.")
    drawings = overlay.draw_overlays(groups[: overlay.MOST_GROUPS])
    differences = tables.differences_table(groups)
    compared = comparison_section(records, missing)
    commands = [("The report of one run:", command("report", r.target)) for r in records[:1]]
    paths = [record.target for record in records]
    commands.append((THIS_PAGE, command("report", *paths)))
    return Page(
        title=_title(groups),
        subtitle=_subtitle(records, groups, names),
        facts=(),
        missing=tuple(missing),
        sections=(
            *((compared,) if compared else ()),
            Section("Runs", (), (tables.runs_table(groups, shown),)),
            Section("Figures", tuple(drawings), (differences,) if differences else ()),
            Section("Commands", commands=tuple(commands)),
        ),
        footer=f"Written by thriftnet {package_version()}.",
        folders=folders_of(*records),
    )


def _missing(records: Sequence[RunRecord], shown: Mapping[str, str]) -> list[str]:
    """What runs lack; what several lack is said once.

    Args:
        records: All runs.
        shown: What each run is called here, by the name of its folder.
    """
    lacking: dict[str, list[str]] = {}
    for record in records:
        for text in (*record.missing, *record.untested_notes()):
            if "predictions" not in text:  # of the comparison
                lacking.setdefault(text, []).append(shown[record.run.name])
    told: list[str] = []
    for text, names in lacking.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        told.append(f"{', '.join(names[:_NAMED])}{more}: {text}")
    return told


def _title(groups: Sequence[RecordGroup]) -> str:
    labels = short_names([group.label for group in groups], longest=LONGEST)
    return " vs. ".join(labels[:3]) + (f" and {len(labels) - 3} more" * (len(labels) > 3))


def _subtitle(
    records: Sequence[RunRecord], groups: Sequence[RecordGroup], names: Sequence[str]
) -> str:
    told = f"{len(records)} runs of {len(groups)} recipe{'s' if len(groups) > 1 else ''}"
    starts: dict[str, list[str]] = {}
    for what, all_names in (("runs", names), ("recipes", [group.label for group in groups])):
        starts.setdefault(common_start(all_names), []).append(what)
    for start, kinds in starts.items():
        if start:
            told += f"; the names of {' and '.join(kinds)} are shown without their prefix “{start}”"
    return told
