"""Prints a comparison: groups, their seeds, the conclusion and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.cells import cell_len

from thriftnet.comparison.compare import Comparison, Contrast
from thriftnet.comparison.groups import ScoreGroup
from thriftnet.comparison.scores import METRICS
from thriftnet.comparison.sentences import show_p
from thriftnet.plain import plain
from thriftnet.runs.filters import as_text
from thriftnet.table import Cell, clock, make_table, millions
from thriftnet.terminal.tables import print_table, table_lines
from thriftnet.terminal.text import fit, print_wrapped, shortened, terminal_width

_LABEL = 20
"""Width of a label for which there is always room."""
_SETTINGS_SHOWN = 8
"""Maximum of differing keys shown; the JSON has all."""


def print_comparison(found: Comparison) -> None:
    """Print groups, their seeds, the tests and the conclusion."""
    several = len(found.groups) > 1
    whole = [plain(group.label) for group in found.groups]
    wider = len(METRICS[found.metric]) - len("accuracy")
    room = terminal_width() - wider
    width = min(max(map(cell_len, [*whole, "recipe"])), max(_LABEL, room - 58))
    labels = shortened(whole, width)
    columns = (
        "recipe", "seeds", f"{METRICS[found.metric]}, %", "parameters", ("MACs", millions),
        ("training", clock),
    )  # fmt: skip
    rows = [_row(label, group) for label, group in zip(labels, found.groups, strict=True)]
    print_table(make_table(columns, rows))
    _print_seeds(found.groups, labels, width)
    _print_evaluations(found.groups, labels)
    if several:
        _print_settings(found.groups, labels)
    shown = {group.label: label for group, label in zip(found.groups, labels, strict=True)}
    for each in found.contrasts:  # called as in the table: long names hide the figures between them
        contrast = replace(each, first=shown[each.first], other=shown[each.other])
        print()
        print_wrapped(plain(contrast.verdict))
        print_wrapped(_evidence(contrast, found.correction), indent="  ")
    print()
    for note in found.notes:
        print_wrapped(plain(note), first="- ", indent="  ")


def _row(label: str, group: ScoreGroup) -> tuple[Any, ...]:
    found, first = group.mean, group.scores[0]
    mean = f"{100 * found.mean:.2f}"
    if found.half_width is not None:
        mean += f" ± {100 * found.half_width:.2f}"
    costs = first.parameters, first.macs, group.seconds
    return label, len(group.scores), Cell(mean, found.mean), *costs


def _print_seeds(groups: Sequence[ScoreGroup], labels: Sequence[str], width: int) -> None:
    """Print each seed's accuracy, and a strip plot with mean and interval."""
    print(f"\n{METRICS[groups[0].metric]} of each seed, %")
    for label, group in zip(labels, groups, strict=True):
        points = "  ".join(
            f"{seed}: {100 * value:.2f}" for seed, value in sorted(group.values.items())
        )
        start = f"{fit(label, width)}  "
        print_wrapped(points, first=start, indent=" " * (width + 2))
    ends = [end for group in groups for end in _ends(group)]
    low, high = min(ends), max(ends)
    if high <= low:
        return
    columns = terminal_width()
    room = max(10, min(60, columns - width - 4))
    print()
    for label, group in zip(labels, groups, strict=True):
        print(f"{fit(label, width)}  {_strip(group, low, high, room)}")
    scale = f"{100 * low:.2f}".ljust(room - 5) + f"{100 * high:.2f}"
    print(f"{'':<{width}}  {scale}")
    spread = any(group.mean.half_width is not None for group in groups)
    key = f"● seed{'   │ mean   ─ 95% over seeds' if spread else ''}"
    print(f"{' ' * max(0, min(width + 2, columns - cell_len(key)))}{key}")


def _print_evaluations(groups: Sequence[ScoreGroup], labels: Sequence[str]) -> None:
    """Print the mean accuracy of each group in every evaluation, untested."""
    found = [group.evaluations for group in groups]
    keys = list(dict.fromkeys(key for each in found for key in each))
    if len(keys) < 2:
        return
    print("\nevery evaluation, mean accuracy %")
    for key in keys:
        pairs = zip(labels, found, strict=True)
        values = [f"{label} {100 * each[key]:.2f}" for label, each in pairs if key in each]
        print_wrapped("; ".join(values), first=f"  {key}: ", indent="    ")


def _ends(group: ScoreGroup) -> tuple[float, float]:
    values, found = list(group.values.values()), group.mean
    half = found.half_width or 0.0
    return min(*values, found.mean - half, 1), max(*values, found.mean + half, 0)


def _strip(group: ScoreGroup, low: float, high: float, room: int) -> str:
    """Draw the seeds on a scale."""

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (room - 1))

    cells, found = [" "] * room, group.mean
    if found.half_width is not None:
        start, end = at(found.mean - found.half_width), at(found.mean + found.half_width)
        cells[start : end + 1] = ["─"] * (end + 1 - start)
        cells[at(found.mean)] = "│"
    for value in group.values.values():
        cells[at(value)] = "●"
    return "".join(cells).rstrip()


def _print_settings(groups: Sequence[ScoreGroup], labels: Sequence[str]) -> None:
    """Print the recipe keys in which the groups differ."""
    keys = list(groups[0].settings)
    if not keys:
        return
    shown = keys[:_SETTINGS_SHOWN]
    first = max(map(len, ["what differs", *shown]))
    columns = terminal_width()
    room = max(8, (columns - first) // len(groups) - 2)
    rows = [[plain(as_text(group.settings[key])) for group in groups] for key in shown]
    short = [[fit(cell, min(room, cell_len(cell))) for cell in row] for row in rows]
    whole = [plain(group.label) for group in groups]
    heads = ["what differs", *shortened(whole, room)]
    table = make_table(heads, [(k, *row) for k, row in zip(shown, short, strict=True)])
    lines = table_lines(table)
    print()
    if max(map(cell_len, lines)) > columns:  # too narrow for columns
        print("what differs")
        for key, row in zip(shown, rows, strict=True):
            values = "; ".join(f"{label} {value}" for label, value in zip(labels, row, strict=True))
            print_wrapped(values, first=f"  {key}: ", indent="    ")
    else:
        print("\n".join(lines))
    if len(keys) > _SETTINGS_SHOWN:
        left = len(keys) - _SETTINGS_SHOWN
        print(f"  and {left} {'key' if left == 1 else 'keys'} more; --json has all of them")


def _evidence(contrast: Contrast, correction: str | None) -> str:
    """The test of a conclusion and its p-value."""
    if contrast.p is None or contrast.p_corrected is None:
        return "no test was possible"
    told = f"{contrast.test}, two-sided, {show_p(contrast.p)}"
    if correction:
        told += f"; {show_p(contrast.p_corrected)} by {correction}'s correction"
    if contrast.only_first is not None and contrast.only_other is not None:
        told += (
            f"; {contrast.only_first:,} images only {plain(contrast.first)} classifies correctly, "
            f"{contrast.only_other:,} only {plain(contrast.other)}"
        )
    return told
