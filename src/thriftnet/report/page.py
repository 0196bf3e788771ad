"""The page: one file that needs no other and no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from thriftnet.html.render import render_html
from thriftnet.report.drawing import Drawing
from thriftnet.table import Table


@dataclass(frozen=True)
class Card:
    """Something that was said, and what became of it."""

    says: str
    """In the words of whoever said it."""
    where: str
    words: str
    """Explains, or puts right."""
    mark: str = ""
    """A sign for the verdict."""
    verdict: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values side by side."""
    command: str = ""
    """What would tell."""


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    """What each is for, and the command."""
    cards: tuple[Card, ...] = ()

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """All that a report says."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str
    notes: str = "What is missing"
    """Heads what `missing` says."""

    @property
    def drawings(self) -> list[Drawing]:
        """Every figure, in order."""
        return [drawing for section in self.sections for drawing in section.drawings]


def render(page: Page, *, version: str | None = None) -> bytes:
    """The page as an HTML file. All text is escaped and cleaned; only the figures are markup.

    Args:
        page: What it says.
        version: Of a page that follows its run (`LivePage`); none: the page stands for itself.
    """
    folder = resources.files("thriftnet.report") / "page"
    names = ("script.js",) if version is None else ("script.js", "live.js")
    return render_html(
        folder / "report.html.j2",
        style=folder / "style.css",
        scripts=[folder / name for name in names],
        page=page,
        version=version,
    )
