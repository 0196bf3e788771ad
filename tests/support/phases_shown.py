"""A display that keeps what it is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from thriftnet.phases import Count


class Shown:
    """Keeps the phases and their counts."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @contextlib.contextmanager
    def phase(self, what: str) -> Iterator[Count]:
        self.told.append(what)
        yield lambda done, total: self.told.append(f"{done}/{total}")
