"""Tables of other libraries' names, by the answer here."""

from __future__ import annotations

from collections.abc import Mapping


def answer_to(name: str, table: Mapping[str, str]) -> str | None:
    """The first answer in whose names, separated by spaces, the given one is."""
    return next((answer for answer, names in table.items() if name in names.split()), None)
