"""Prints an inspection of a data set."""

from __future__ import annotations

from collections.abc import Callable

from thriftnet.data.index import grouped
from thriftnet.data.inspection import Inspection, listed
from thriftnet.data.inspection_facts import counts_table, facts
from thriftnet.plain import plain
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import print_wrapped

_SHOWN = 5
"""Maximum of groups and of reasons shown; the JSON has all."""
_NAMED = 3
"""Maximum of files named for a reason."""


def print_inspection(found: Inspection, title: Callable[[int], str]) -> None:
    """Print counts by class and split, facts about the pictures, and warnings."""
    classes = len(next(iter(found.counts.values())))
    print_wrapped(
        plain(f"{found.name}: {found.kind}, {found.pictures:,} pictures of {classes} classes")
    )
    print()
    print_table(counts_table(found), shrink="class")
    print()
    for name, text in facts(found):
        print_wrapped(text, first=f"{name:<14}  ", indent=" " * 16)
    for text in found.warnings():
        print_wrapped(plain(text), first="! ", indent="  ")
    across, labels = found.duplicates.across_splits, found.duplicates.across_labels
    _print_groups("near-duplicates across splits", across, title)
    _print_groups("near-duplicates with different labels", labels, title)
    shown = {*across, *labels}
    rest = tuple(group for group in found.duplicates.groups if group not in shown)
    _print_groups("near-duplicates within a split", rest, title)
    if found.omissions:
        print(f"\nleft out: {len(found.omissions):,}")
        by_reason = grouped(found.omissions)
        for reason, left_out in list(by_reason.items())[:_SHOWN]:
            places = listed([each.place for each in left_out], _NAMED)
            told = f"{len(left_out):,} × {reason}: {places}" if left_out[1:] else str(left_out[0])
            print_wrapped(plain(told), first="- ", indent="  ")
        _print_more(len(by_reason))
    if found.others:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in found.others.items())
        print_wrapped(plain(f"other files, not pictures: {kinds}"))


def _print_groups(
    what: str, groups: tuple[tuple[int, ...], ...], title: Callable[[int], str]
) -> None:
    if not groups:
        return
    print(f"\n{what}: {len(groups):,}")
    for group in groups[:_SHOWN]:
        named = "  =  ".join(plain(title(at)) for at in group[:3])
        more = f"  and {len(group) - 3} more" if len(group) > 3 else ""
        print_wrapped(named + more, first="- ", indent="  ")
    _print_more(len(groups))


def _print_more(count: int) -> None:
    if count > _SHOWN:
        print(f"  and {count - _SHOWN:,} more; --json has all of them")
