"""Numeric labels of tables: one spelling per number, and a check for measured values."""

from __future__ import annotations

import math

from thriftnet.data.index import Entry, Index, Omission
from thriftnet.data.options import SourceOptions
from thriftnet.errors import DataError

_NOTHING = {"nan", "na", "n/a", "null", "none", "?"}
"""Words for a missing value in a numeric column; among other words they may be classes."""
_LEAST, _MOST_SHARE = 20, 0.5
"""Numbers of pictures, and of classes per picture, from which numbers count as measured values."""


def unify_numbers(index: Index) -> list[Entry]:
    """Unify the spelling of labels if all are numbers.

    `1` and `1.0` become one class with the shortest spelling, as pandas writes integers with gaps
    as floats. Missing values are omitted; among words they are classes, with a note.
    """
    values = {label: _number(label) for label in {entry.label for entry in index.entries}}
    nothing = {label for label in values if label.casefold() in _NOTHING}
    known = {label: value for label, value in values.items() if label not in nothing}
    if not known or any(value is None for value in known.values()):
        index.notes += [
            f"{label} is read as a class; if it means no label, leave the cells empty"
            for label in sorted(nothing)
        ]
        return index.entries
    spelt: dict[float, str] = {}
    for label in sorted(known, key=lambda label: (len(label), label)):
        spelt.setdefault(known[label] or 0.0, label)
    for text, label in index.spellings.items():
        if label in known:
            index.spellings[text] = spelt[known[label] or 0.0]
    kept: list[Entry] = []
    for entry in index.entries:
        if entry.label in nothing:
            index.omissions.append(Omission(str(entry.origin), f"no label ({entry.label})"))
        else:
            kept.append(entry._replace(label=spelt[known[entry.label] or 0.0]))
    return kept


def check_numbers(index: Index, options: SourceOptions) -> None:
    """Check that labels are classes, not measured values.

    Raises:
        DataError: Labels are mostly distinct fractional numbers.
    """
    labels = {entry.label for entry in index.entries}
    if options.label_column or len(index.entries) < _LEAST:
        return
    numbers = [_number(label) for label in labels]
    measured = any(number is not None and number % 1 for number in numbers)
    if measured and None not in numbers and len(labels) > _MOST_SHARE * len(index.entries):
        raise DataError(
            f"{index.root}: the labels are {len(labels):,} different numbers for "
            f"{len(index.entries):,} pictures, and a classifier needs classes; name another column "
            "with --set data.label_column=NAME, or write a class for each range of numbers"
        )


def _number(label: str) -> float | None:
    try:
        value = float(label)
    except ValueError:
        return None
    exact = abs(value) < 2**53  # beyond, different ids would be one number
    return value if math.isfinite(value) and exact and "_" not in label else None
