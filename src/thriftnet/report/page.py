"""The page: one file that needs no other and no network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import jinja2
from markupsafe import Markup

from thriftnet.plain import plain_lines
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
    scripts = [(folder / name).read_text("utf-8") for name in names]
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string((folder / "report.html.j2").read_text("utf-8"))
    text = template.render(
        page=page,
        style=Markup((folder / "style.css").read_text("utf-8")),
        scripts=[Markup(script) for script in scripts],
        script_sources=" ".join(map(_source, scripts)),
        version=version,
        markup=Markup,
    )
    # File names may hold bytes that are no text, and what turns the text around.
    return plain_lines(text).encode("utf-8")


def _source(script: str) -> str:
    """A script as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
