"""Prints metrics per class, and which classes are confused."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from thriftnet.evaluation.class_metrics import ClassSummary
from thriftnet.evaluation.intervals import Interval
from thriftnet.evaluation.results import Metrics
from thriftnet.plain import plain
from thriftnet.table import MISSING, Cell, make_table
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import fit, print_whole, shortened, terminal_width

_NAME = 12
"""Columns of a class name in rows for which there is always room."""
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
    print_table(table, shrink="class")
    if len(shown) < len(rows):
        left = len(rows) - len(shown)
        print(f"and {left} {'class' if left == 1 else 'classes'} more; --json has all of them")


def print_confusion(metrics: Metrics) -> None:
    """Print accuracy per class, and the confusion matrix if it fits the terminal.

    Where the names are too wide for its columns, the classes are numbered. Where the matrix is too
    wide, the most frequent mistakes take its place.
    """
    names = [plain(name) for name in metrics.per_class]
    counts, room = metrics.confusion, terminal_width(otherwise=80)
    digits = len(str(len(names)))
    least = max(digits, len(str(max(max(row) for row in counts))))
    width = max(least, *map(cell_len, names))
    numbers, heads = [""] * len(names), names
    if _NAME + 11 + (width + 1) * len(names) > room:
        width = least
        heads = [str(number) for number in range(1, len(names) + 1)]
        numbers = [f"{number:>{digits}} " for number in range(1, len(names) + 1)]
    left = room - len(numbers[0]) - 11 - (width + 1) * len(names)
    if left < _NAME:
        if len(counts) <= _CLASSES and not metrics.by_class.imbalanced:  # else it was printed
            rows = [(name, _share(share)) for name, share in metrics.per_class.items()]
            print_table(make_table(("label", "accuracy"), rows), shrink="label")
            print()
        _print_mistakes([plain(name) for name in metrics.per_class], counts)
        return
    print_whole("accuracy by class, confusion matrix (rows: labels, columns: predictions)")
    labels = [n + name for n, name in zip(numbers, shortened(names, left), strict=True)]
    label = max(len(numbers[0]) + _NAME, *map(cell_len, labels))
    print(f"{'label':<{label}} {'accuracy':>8}  {_right(heads, width)}")
    for name, share, row in zip(labels, metrics.per_class.values(), counts, strict=True):
        print(f"{fit(name, label)} {_text(share):>8}  {_right(map(str, row), width)}")


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
    print_whole("Most frequent mistakes; the confusion matrix is in the report and in --json")
    print_table(table, shrink="of")


def _right(texts: Iterable[str], width: int) -> str:
    """Texts aligned to the right in columns; a letter may be as wide as two."""
    return " ".join(text.rjust(width - cell_len(text) + len(text)) for text in texts)


def _text(share: float | None) -> str:
    return MISSING if share is None else f"{share:.3f}"


def _share(share: float | None) -> Cell:
    return Cell(_text(share), 0.0 if share is None else share)  # right-aligned


def _interval(limits: Interval | None) -> Cell:
    return Cell(MISSING if limits is None else f"{limits[0]:.2f} to {limits[1]:.2f}", 0.0)
