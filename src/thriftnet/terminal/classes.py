"""Prints metrics per class, and which classes are confused."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from thriftnet.evaluation.class_metrics import ClassSummary
from thriftnet.evaluation.intervals import Interval
from thriftnet.evaluation.results import Metrics
from thriftnet.plain import plain
from thriftnet.table import MISSING, Cell, make_table
from thriftnet.terminal.tables import table_lines
from thriftnet.terminal.text import terminal_width

_NAME, _HEAD = 12, 4
"""Widths of a class name in rows and in the header."""
_CLASSES, _MISTAKES = 40, 10
"""Maximum shown; the JSON has all."""


def balanced_text(found: ClassSummary) -> str:
    """Balanced accuracy with its interval."""
    low, high = found.balanced_accuracy_interval
    return f"{found.balanced_accuracy:.4f}  (95% {low:.4f} to {high:.4f})"


def print_classes(found: ClassSummary) -> None:
    """Print recall with its interval, precision and F1 of each class, the lowest recall first."""
    rows = [
        (
            name,
            each.images,
            _share(each.recall),
            _interval(each.recall_interval),
            _share(each.precision),
            _interval(each.precision_interval),
            _share(each.f1),
        )
        for name, each in sorted(
            found.classes.items(), key=lambda item: (item[1].recall is None, item[1].recall or 0)
        )
    ]
    shown = rows if len(rows) <= _CLASSES else rows[:_CLASSES]
    columns = ("class", "images", "recall", "recall 95%", "precision", "precision 95%", "F1")
    table = make_table(columns, shown)
    print("\n".join(table_lines(table, room=terminal_width(), shrink="class")))
    if len(shown) < len(rows):
        print(f"and {len(rows) - len(shown)} classes more; --json has all of them")


def print_confusion(metrics: Metrics) -> None:
    """Print accuracy per class, and the confusion matrix if it fits the terminal."""
    names = [plain(name) for name in metrics.per_class]
    counts = metrics.confusion
    width = max(_HEAD, len(str(max(max(row) for row in counts))))
    if _NAME + 11 + (width + 1) * len(names) > max(80, terminal_width()):
        _print_mistakes(names, counts)
        return
    print("accuracy by class, confusion matrix (rows: labels, columns: predictions)")
    heads = " ".join(_cut(name, _HEAD).rjust(width - _wider(name, _HEAD)) for name in names)
    print(f"{'label':<{_NAME}} {'accuracy':>8}  {heads}")
    for name, share, row in zip(names, metrics.per_class.values(), counts, strict=True):
        label = set_cell_size(_cut(name, _NAME), _NAME)
        print(f"{label} {_text(share):>8}  " + " ".join(f"{count:>{width}}" for count in row))


def _print_mistakes(names: list[str], counts: list[list[int]]) -> None:
    """Print the most frequent confusions, for too many classes for a matrix."""
    found = [
        (count, names[label], names[predicted])
        for label, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if label != predicted and count
    ]
    if not found:
        print("no image was predicted as another class")
        return
    found.sort(key=lambda each: -each[0])
    table = make_table(("images", "of", "predicted as"), found[:_MISTAKES])
    print("Most frequent mistakes; the confusion matrix is in the report and in --json")
    print("\n".join(table_lines(table, room=terminal_width(), shrink="of")))


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) > width else text


def _wider(text: str, width: int) -> int:
    """Extra columns of a truncated text, for letters of double width."""
    short = _cut(text, width)
    return cell_len(short) - len(short)


def _text(share: float | None) -> str:
    return MISSING if share is None else f"{share:.3f}"


def _share(share: float | None) -> Cell:
    return Cell(_text(share), 0.0 if share is None else share)  # right-aligned


def _interval(limits: Interval | None) -> Cell:
    return Cell(MISSING if limits is None else f"{limits[0]:.2f} to {limits[1]:.2f}", 0.0)
