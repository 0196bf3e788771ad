"""Classes whose names are numbers, as tables spell them."""

from __future__ import annotations

import math

from thriftnet.data.index import Entry, Index, Omission
from thriftnet.data.options import SourceOptions
from thriftnet.errors import DataError

_NOTHING = {"nan", "na", "n/a", "null", "none", "?"}
"""Words in a column of numbers that stand for no value; among words they may be classes."""
_LEAST, _MOST_SHARE = 20, 0.5
"""Pictures, and classes per picture, from which numbers are measured values and no classes."""


def unify_numbers(index: Index) -> list[Entry]:
    """Entries whose labels, if all are numbers, spell each of them in one way.

    `1` and `1.0` are one class, called as its shortest spelling; a column that once had gaps is
    written with fractions by pandas. What stands for no number is left out.
    """
    values = {label: _number(label) for label in {entry.label for entry in index.entries}}
    nothing = {label for label in values if label.casefold() in _NOTHING}
    known = {label: value for label, value in values.items() if label not in nothing}
    if not known or any(value is None for value in known.values()):
        return index.entries
    spelt: dict[float, str] = {}
    for label in sorted(known, key=lambda label: (len(label), label)):
        spelt.setdefault(known[label] or 0.0, label)
    kept: list[Entry] = []
    for entry in index.entries:
        if entry.label in nothing:
            index.omissions.append(Omission(str(entry.origin), f"no label ({entry.label})"))
        else:
            kept.append(entry._replace(label=spelt[known[entry.label] or 0.0]))
    return kept


def check_numbers(index: Index, options: SourceOptions) -> None:
    """See that labels are classes and no measured values.

    Raises:
        DataError: Most pictures have a number of their own, with a fraction.
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
    return value if math.isfinite(value) and "_" not in label else None
