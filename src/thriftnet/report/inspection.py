"""Page of a data set: counts, pictures of each class, and near-duplicates side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from thriftnet.data.inspection import Collection, Inspection
from thriftnet.data.inspection_facts import counts_table, facts
from thriftnet.report.drawing import Drawing, Picture, draw_pictures
from thriftnet.report.page import Page, Section
from thriftnet.table import make_table
from thriftnet.training.environment import package_version

_CLASSES, _GROUPS, _COLUMNS = 60, 24, 8
_OF_A_CLASS, _OF_MANY, _MANY = 8, 4, 20
"""Pictures per class, the same for many classes, and how many are many."""


def inspection_page(collection: Collection, found: Inspection, *, shown: str) -> Page:
    """Make the page of a data set.

    Args:
        collection: Its pictures.
        found: Its inspection.
        shown: The equivalent command.
    """
    same = found.duplicates
    drawings = [
        _groups(collection, same.across_splits, "across-splits", "Near-duplicates across splits"),
        _groups(
            collection, same.across_labels, "across-labels", "Near-duplicates of several labels"
        ),
        _groups(collection, same.groups, "near-duplicates", "Near-duplicates"),
    ]
    kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in found.others.items())
    left_out = make_table(
        ("where", "why"),
        [(each.where, each.fault) for each in found.omissions],
        title="Left out",
        folded=True,
    )
    return Page(
        title=found.name.rstrip("/").rpartition("/")[2] or found.name,
        subtitle=f"{found.kind}, {found.pictures:,} pictures of {len(collection.classes)} classes",
        facts=(*facts(found), *((("other files", kinds),) if kinds else ())),
        missing=tuple(found.warnings()),
        sections=(
            Section("Classes", (_examples(collection),), (counts_table(found),)),
            Section("Near-duplicates", tuple(each for each in drawings if each)),
            Section(
                "Left out and commands",
                (),
                (left_out,) if found.omissions else (),
                (("The same in a terminal:", shown),),
            ),
        ),
        footer=f"Written by thriftnet {package_version()}.",
        notes="Warnings",
        kind="inspect",
        folders=(Path(collection.name).absolute().parent,),
    )


def _examples(collection: Collection) -> Drawing:
    """Pictures of each class, evenly spaced."""
    pictures: list[Picture] = []
    most = _OF_A_CLASS if len(collection.classes) <= _MANY else _OF_MANY
    for label, name in enumerate(collection.classes[:_CLASSES]):
        members = np.flatnonzero(collection.labels == label)
        spread = np.linspace(0, len(members) - 1, min(most, len(members))).astype(int)
        row = [_picture(collection, at, name) for at in members[spread].tolist()]
        pictures += [replace(each, first=not at) for at, each in enumerate(row)]
    cut = len(collection.classes) - _CLASSES
    return draw_pictures(
        tuple(pictures),
        columns=_COLUMNS,
        name="examples",
        title="Pictures of each class",
        caption=f"Up to {most} of each class, evenly spread over its pictures, as training "
        "gets them before augmentation." + (f" Classes not shown: {cut}." * (cut > 0)),
        alt=f"{len(pictures)} example pictures with their classes.",
    )


def _groups(
    collection: Collection, groups: tuple[tuple[int, ...], ...], name: str, title: str
) -> Drawing | None:
    """The first two pictures of some groups; None without groups."""
    if not groups:
        return None
    split = np.full(len(collection.labels), "", dtype=object)
    for each, at in collection.positions.items():
        split[at] = each
    pictures: list[Picture] = []
    for number, group in enumerate(groups[:_GROUPS], 1):
        first = group[0]
        other = next((at for at in group if split[at] != split[first]), group[1])
        if name == "across-labels":
            labels = collection.labels
            other = next(at for at in group if labels[at] != labels[first])
        pictures += [
            _picture(collection, at, f"{number}: {_label(collection, at)}", split[at])
            for at in (first, other)
        ]
    return draw_pictures(
        tuple(pictures),
        columns=_COLUMNS,
        paired=True,
        name=name,
        title=title,
        caption=f"{min(_GROUPS, len(groups))} of {len(groups):,} groups, two pictures of each "
        "side by side, with class and split.",
        alt=f"{len(pictures)} pictures, in pairs that show the same.",
    )


def _label(collection: Collection, at: int) -> str:
    return collection.classes[int(collection.labels[at])]


def _picture(collection: Collection, at: int, *lines: str) -> Picture:
    title = collection.title(at)
    return Picture(collection.images[at], f"{title}: {_label(collection, at)}", (*lines, title))
