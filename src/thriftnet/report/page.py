"""The page as one file that loads no others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from thriftnet.html.render import render_html
from thriftnet.report.drawing import Drawing
from thriftnet.table import Table


@dataclass(frozen=True)
class VerdictCard:
    """A claim and its verdict."""

    says: str
    """The claim, in its author's words."""
    where: str = ""
    words: str = ""
    """Explanation or correction."""
    mark: str = ""
    """Symbol of the verdict."""
    verdict: str = ""
    tone: Literal["", "good", "partly", "bad", "open"] = ""
    """How the verdict looks: its colour, or dots for one that is still open."""
    facts: tuple[tuple[str, str], ...] = ()
    """Pairs of name and value."""
    command: str = ""
    """A command that would verify it."""


THIS_PAGE = "This page:"
"""The purpose of the command that writes the page."""


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    """Pairs of purpose and command."""
    cards: tuple[VerdictCard, ...] = ()

    @property
    def anchor(self) -> str:
        """Its HTML id."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """Content of a report."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str
    notes: str = "What is missing"
    """Heading of `missing`."""
    kind: str = "report"
    """End of the title; a command replaces only pages of its kind."""
    folders: tuple[Path, ...] = ()
    """Folders of this machine that are left out of paths."""

    @property
    def drawings(self) -> list[Drawing]:
        """All figures, in order."""
        return [drawing for section in self.sections for drawing in section.drawings]


_CHARTS = ("direction.js", "panel.js", "charts.js")


def render(page: Page, *, version: str | None = None) -> bytes:
    """Render the page as an HTML file.

    All text is escaped and sanitised; only the figures are markup.

    Args:
        page: Its content.
        version: Of a page that follows its run (`LivePage`); None: a page in a file.
    """
    folder = resources.files("thriftnet.report") / "assets"
    read_off = _CHARTS if any(drawing.data for drawing in page.drawings) else ()
    names = ("script.js", *read_off, *(() if version is None else ("live.js",)))
    return render_html(
        folder / "report.html.j2",
        style=folder / "style.css",
        scripts=[folder / name for name in names],
        folders=page.folders,
        page=page,
        version=version,
    )
