"""Groups pictures by a column, a folder or a pattern of their paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from thriftnet.data.index import Entry
from thriftnet.errors import DataError, NoColumnError


def with_groups(entries: Sequence[Entry], rule: str | None, *, where: str) -> list[Entry]:
    """Add groups to entries by a rule for their paths.

    Args:
        entries: Groups from a column are kept; they have some only if the rule names it.
        rule: `SourceOptions.group`.
        where: The data set, for messages.

    Raises:
        DataError: The rule is invalid or matches no path.
    """
    if rule is None or any(entry.group for entry in entries):
        return list(entries)
    group_of = _by_folder(rule) or _by_pattern(rule, where)
    grouped = [entry._replace(group=group_of(entry.origin.path)) for entry in entries]
    if not any(entry.group for entry in grouped):
        raise NoColumnError(
            f"{where}: data.group={rule} is not a column and matches no path, such as "
            f"{entries[0].origin}; give a column, folder, folder:DEPTH or a regular expression",
            key="group",
        )
    return grouped


def group_notes(entries: Sequence[Entry]) -> list[str]:
    """Notes on pictures without a group, and on groups that the given splits divide."""
    without = [entry for entry in entries if entry.group is None]
    if len(without) == len(entries):
        return []
    notes: list[str] = []
    if without:
        are = "picture is" if len(without) == 1 else "pictures are"
        notes.append(f"{len(without):,} {are} in no group, such as {without[0].origin}")
    splits: dict[str, set[str]] = {}
    for entry in entries:
        if entry.group is not None:
            splits.setdefault(entry.group, set()).add(entry.split or "train")
    for name in ("val", "test"):
        divided = [group for group, own in splits.items() if {"train", name} <= own]
        if divided:
            have = "group has" if len(divided) == 1 else "groups have"
            notes.append(
                f"{len(divided):,} {have} pictures in train and in {name}, such as {divided[0]}, "
                f"so the {name} accuracy is too high"
            )
    return notes


def _by_folder(rule: str) -> Callable[[str], str | None] | None:
    match = re.fullmatch(r"folder(?::([1-9]\d?))?", rule)
    if match is None:
        return None
    depth = int(match[1]) if match[1] else None

    def group_of(path: str) -> str | None:
        folders = path.split("/")[:-1]
        if depth is None:
            return "/".join(folders) or None
        return "/".join(folders[:depth]) if len(folders) >= depth else None

    return group_of


def _by_pattern(rule: str, where: str) -> Callable[[str], str | None]:
    try:
        pattern = re.compile(rule)
    except re.error as fault:
        raise DataError(
            f"{where}: data.group={rule} is not a regular expression ({fault})"
        ) from None

    def group_of(path: str) -> str | None:
        match = pattern.search(path)
        return None if match is None else next((g for g in match.groups() if g), match[0])

    return group_of
