"""The bounds of a YAML text, looked at event by event before anything is built from it.

A page of aliases that name each other stands for gigabytes, and brackets in brackets end the
process in the C parser's own recursion.
"""

from __future__ import annotations

import yaml

MOST_CHARACTERS = 2**18
"""A recipe has some 3,000, a study's space 6,000."""
_MOST_VALUES = 10_000
"""Keys and values, those that aliases repeat among them."""
_DEEPEST = 32


def refuse_bombs(text: str) -> None:
    """See that a text stands for a small tree.

    Raises:
        ValueError: It is too long, too deep or too large, or an alias is inside what it names.
        yaml.YAMLError: It is no YAML.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS:,} characters; shorten it")
    sizes: dict[str, int] = {}
    started: list[tuple[str | None, int]] = []  # anchor, and values counted before it
    count = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            started.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = started.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"the alias *{event.anchor} names nothing that is complete there")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if len(started) > _DEEPEST or count > _MOST_VALUES:
            what = f"{_DEEPEST} levels" if len(started) > _DEEPEST else f"{_MOST_VALUES:,} values"
            raise ValueError(f"it has more than {what}; make it smaller")
