"""How lists and comparisons of runs look in a terminal; nothing here waits for torch."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from thriftnet.report.cleanup import Superseded
from thriftnet.report.compare import Comparison, Contrast
from thriftnet.report.compare_groups import Group
from thriftnet.report.run_filters import as_text
from thriftnet.report.runs import ListedRun, Value
from thriftnet.report.verdicts import show_p

DEFAULT_COLUMNS = (
    "name",
    "state",
    "recipe",
    "seed",
    "epoch",
    "accuracy",
    "parameters",
    "seconds",
    "started",
)
_LEFT_OUT_FIRST = ("started", "seconds", "parameters", "epoch", "recipe", "seed")
"""Where the terminal has no room for all."""
_SHARES = {"accuracy", "top5", "val_accuracy"}
_SETTINGS_SHOWN = 8


def print_runs(runs: Sequence[ListedRun], columns: Sequence[str] | None) -> None:
    """A line for each run.

    Args:
        runs: In their order.
        columns: To show, all of them; none: of the usual ones those that the terminal has room
            for.
    """
    shown = list(columns or DEFAULT_COLUMNS)
    cells = {column: [_cell(column, run.value(column)) for run in runs] for column in shown}
    widths = {column: max(map(cell_len, [column, *cells[column]])) for column in shown}
    if columns is None:
        widths["name"] = min(widths["name"], max(12, _width() // 3))
        for column in _LEFT_OUT_FIRST:
            if sum(widths[c] + 2 for c in shown) - 2 > _width():
                shown.remove(column)
    numbers = {
        column: any(isinstance(run.value(column), int | float) for run in runs) for column in shown
    }
    print(_row([_fit(column, widths[column], right=numbers[column]) for column in shown]))
    for at in range(len(runs)):
        print(_row([_fit(cells[c][at], widths[c], right=numbers[c]) for c in shown]))
    hidden = [column for column in DEFAULT_COLUMNS if column not in shown] if not columns else []
    if hidden:
        print(f"\nno room for {', '.join(hidden)}; name columns with --columns")
    if not columns or "problem" not in columns:
        for run in runs:
            if run.value("problem"):
                print(f"\n{_plain(str(run.value('path')))}: {_plain(str(run.value('problem')))}")


def print_superseded(found: Sequence[Superseded]) -> None:
    """What could be removed, and how much it is."""
    for entry in found:
        names = ", ".join(path.name for path in entry.files)
        print(f"{show_bytes(entry.size):>9}  {_plain(str(entry.run.path))}  {names}")
    total = show_bytes(sum(entry.size for entry in found))
    print(f"{total:>9}  in the checkpoints of {len(found)} finished runs")


def print_comparison(found: Comparison) -> None:
    """Groups side by side, their seeds, what was tested, and the sentence."""
    several = len(found.groups) > 1
    labels = [_plain(group.label) for group in found.groups]
    width = min(max(map(cell_len, [*labels, "recipe"])), max(12, _width() - 58))
    outcome = [("seeds", "accuracy, %"), *map(_outcome, found.groups)]
    cost = [("parameters", "MACs", "training"), *map(_cost, found.groups)]
    names = ["recipe", *labels]
    if _width() < width + 54:
        _print_table(names, outcome, width)
        print()
        _print_table(names, cost, width)
    else:
        both = [(*a, *b) for a, b in zip(outcome, cost, strict=True)]
        _print_table(names, both, width)
    _print_seeds(found.groups, labels, width)
    if several:
        _print_settings(found.groups)
    for contrast in found.contrasts:
        print()
        _print_wrapped(_plain(contrast.verdict))
        _print_wrapped(_evidence(contrast, found.correction), indent="  ")
    print()
    for note in found.notes:
        _print_wrapped(_plain(note), first="- ", indent="  ")


def _outcome(group: Group) -> tuple[str, str]:
    accuracy = group.accuracy
    mean = f"{100 * accuracy.mean:.2f}"
    if accuracy.half_width is not None:
        mean += f" ± {100 * accuracy.half_width:.2f}"
    return str(len(group.scores)), mean


def _cost(group: Group) -> tuple[str, str, str]:
    first = group.scores[0]
    return (
        "–" if first.parameters is None else f"{first.parameters:,}",
        "–" if first.macs is None else f"{first.macs / 1e6:.1f}M",
        "–" if group.seconds is None else _duration(group.seconds),
    )


def _print_table(names: Sequence[str], rows: Sequence[tuple[str, ...]], width: int) -> None:
    """Rows with a name before each; the first is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, row in zip(names, rows, strict=True):
        cells = [_fit(cell, room, right=True) for cell, room in zip(row, widths, strict=True)]
        print(_row([_fit(name, width), *cells]))


def _print_seeds(groups: Sequence[Group], labels: Sequence[str], width: int) -> None:
    """Each seed's accuracy, in words and as points on one scale with mean and interval."""
    print("\naccuracy of each seed, %")
    for label, group in zip(labels, groups, strict=True):
        points = "  ".join(
            f"{seed}: {100 * value:.2f}" for seed, value in sorted(group.accuracies.items())
        )
        start = f"{_fit(label, width)}  "
        _print_wrapped(points, first=start, indent=" " * (width + 2))
    ends = [end for group in groups for end in _ends(group)]
    low, high = min(ends), max(ends)
    if high <= low:
        return
    room = max(10, min(60, _width() - width - 4))
    print()
    for label, group in zip(labels, groups, strict=True):
        print(f"{_fit(label, width)}  {_strip(group, low, high, room)}")
    scale = f"{100 * low:.2f}".ljust(room - 5) + f"{100 * high:.2f}"
    print(f"{'':<{width}}  {scale}")
    print(f"{'':<{width}}  ● seed   │ mean   ─ 95% over seeds")


def _ends(group: Group) -> tuple[float, float]:
    values, accuracy = list(group.accuracies.values()), group.accuracy
    half = accuracy.half_width or 0.0
    return min(*values, accuracy.mean - half, 1), max(*values, accuracy.mean + half, 0)


def _strip(group: Group, low: float, high: float, room: int) -> str:
    """The seeds on a scale of so many columns."""

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (room - 1))

    cells, accuracy = [" "] * room, group.accuracy
    if accuracy.half_width is not None:
        start, end = (
            at(accuracy.mean - accuracy.half_width),
            at(accuracy.mean + accuracy.half_width),
        )
        cells[start : end + 1] = "─" * (end + 1 - start)
        cells[at(accuracy.mean)] = "│"
    for value in group.accuracies.values():
        cells[at(value)] = "●"
    return "".join(cells).rstrip()


def _print_settings(groups: Sequence[Group]) -> None:
    """The recipe keys in which the groups differ."""
    keys = list(groups[0].settings)
    if not keys:
        return
    labels = [_plain(group.label) for group in groups]
    shown = keys[:_SETTINGS_SHOWN]
    first = max(map(len, ["what differs", *shown]))
    room = max(8, (_width() - first) // len(groups) - 2)
    table = [labels, *([_value(group.settings[key]) for group in groups] for key in shown)]
    widths = [min(room, max(map(cell_len, column))) for column in zip(*table, strict=True)]
    print()
    for name, row in zip(["what differs", *shown], table, strict=True):
        cells = [_fit(_plain(cell), most) for cell, most in zip(row, widths, strict=True)]
        print(_row([_fit(name, first), *cells]))
    if len(keys) > _SETTINGS_SHOWN:
        print(f"  and {len(keys) - _SETTINGS_SHOWN} keys more; --json has all of them")


def _evidence(contrast: Contrast, correction: str | None) -> str:
    """What the sentence rests on."""
    if contrast.p is None or contrast.p_corrected is None:
        return "no test could be made"
    told = f"{contrast.test}, two-sided, {show_p(contrast.p)}"
    if correction:
        told += f"; {show_p(contrast.p_corrected)} by {correction}'s correction"
    if contrast.only_first is not None:
        told += (
            f"; {contrast.only_first} images only {_plain(contrast.first)} names rightly, "
            f"{contrast.only_other} only {_plain(contrast.other)}"
        )
    elif contrast.image_half_width is not None:
        told += f"; other test images: ± {contrast.image_half_width:.2f} points besides"
    return told


def show_bytes(size: int) -> str:
    """Bytes for reading, in powers of ten."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _cell(column: str, value: Value) -> str:
    if value is None:
        return "–"
    if column in _SHARES and isinstance(value, int | float):
        return f"{value:.4f}"
    if column == "seconds" and isinstance(value, int | float):
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if column in {"parameters", "macs", "max_parameters"} else str(value)
    return _plain(as_text(value))


def _value(value: Any) -> str:
    return "–" if value is None else as_text(value)


def _plain(text: str) -> str:
    """Text that cannot move the cursor or colour the terminal, whatever a user called a run."""
    return "".join(mark if mark.isprintable() else "�" for mark in text)


def _fit(text: str, width: int, *, right: bool = False) -> str:
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)


def _row(cells: Iterable[str]) -> str:
    return "  ".join(cells).rstrip()


def _print_wrapped(text: str, *, first: str = "", indent: str = "") -> None:
    start = first or indent
    print(
        textwrap.fill(
            text,
            width=max(40, min(_width(), 100)),
            initial_indent=start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _width() -> int:
    return shutil.get_terminal_size().columns
