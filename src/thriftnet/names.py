"""Shortens names by what they have in common, and keeps them distinct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os.path import commonprefix

from thriftnet.plain import printable

LONGEST = 40
"""Letters of a name in a table or a sentence of a page."""
_SEPARATORS = "-_ /"
_WORTH = 8
"""Letters of a common beginning from which on it is left out although there is room."""


def common_start(names: Sequence[str]) -> str:
    """What several different names begin with, up to a separator; empty where that is little."""
    distinct = sorted(set(names))
    if len(distinct) < 2:
        return ""
    start = commonprefix(distinct)
    start = start[: max(start.rfind(each) for each in _SEPARATORS) + 1]
    return start if len(start) >= _WORTH else ""


def short_names(names: Sequence[str], *, longest: int) -> list[str]:
    """Names of at most so many letters; different names stay different.

    What is too long loses its middle, since runs and classes differ at both ends.

    Args:
        names: Of runs, recipes or classes.
        longest: Letters; 6 at the least.
    """
    whole = [printable(name, longest=max(1, len(name))) for name in names]
    start = len(common_start(whole))
    found = [_cut(name[start:], longest) for name in whole]
    owners = Counter(cut for cut, _ in dict.fromkeys(zip(found, names, strict=True)))
    numbers: dict[str, dict[str, int]] = {}
    for at, (cut, name) in enumerate(zip(found, names, strict=True)):
        if owners[cut] > 1:
            number = numbers.setdefault(cut, {}).setdefault(name, len(numbers[cut]) + 1)
            mark = f" {number}"
            found[at] = cut[: longest - len(mark)] + mark
    return found


def _cut(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    head = longest // 2
    return f"{name[:head]}…{name[len(name) - (longest - head - 1) :]}"
