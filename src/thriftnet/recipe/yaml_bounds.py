"""Limits the size of YAML before it is loaded.

Nested aliases can expand to gigabytes, and deep nesting overflows the stack of the C parser.
"""

from __future__ import annotations

import yaml

MOST_CHARACTERS = 2**18
"""A recipe has about 3,000, a search space 6,000."""
_MOST_VALUES = 10_000
"""Keys and values, with aliases expanded."""
_DEEPEST = 32


def refuse_bombs(text: str) -> None:
    """Check that a YAML text expands to a small tree.

    Raises:
        ValueError: It is too long, too deep or too large, or an alias is cyclic.
        yaml.YAMLError: It is not YAML.
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
