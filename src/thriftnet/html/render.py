"""Renders a template, its style and its scripts to one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import jinja2
from markupsafe import Markup

from thriftnet.html.shared import without_folders
from thriftnet.plain import plain_lines

_BASE = "base.html.j2"
"""The frame of all pages; a page's template extends it."""


def render_html(
    template: Traversable,
    *,
    style: Traversable,
    scripts: Sequence[Traversable],
    folders: Iterable[Path] = (),
    **values: object,
) -> bytes:
    """Render a page. All text is escaped and cleaned, and names no folder of this machine.

    Args:
        template: A Jinja template that extends `base.html.j2`.
        style: A style sheet.
        scripts: Run in this order after that of the theme.
        folders: Absolute ones that are left out of paths, besides the user's and the current one.
        values: Values for the template.
    """
    shared = resources.files("thriftnet.html")
    codes = [each.read_text("utf-8") for each in (shared / "theme.js", *scripts)]
    styles = [each.read_text("utf-8") for each in (shared / "theme.css", style)]
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({_BASE: (shared / _BASE).read_text("utf-8")}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=without_folders(folders),
    )
    text = environment.from_string(template.read_text("utf-8")).render(
        style=Markup("".join(styles)),
        scripts=[Markup(code) for code in codes],
        script_sources=" ".join(map(_source, codes)),
        markup=Markup,
        **values,
    )
    # File names may have undecodable bytes and direction marks.
    return plain_lines(text).encode("utf-8")


def script_json(value: object, *, exact: bool = False) -> Markup:
    """JSON as the content of a script element, which it cannot end: every `<` is escaped.

    Args:
        value: Plain values.
        exact: Whether texts keep what would be cleaned away, for what is saved and never shown.
    """
    return Markup(json.dumps(value, ensure_ascii=exact).replace("<", "\\u003c"))


def _source(script: str) -> str:
    """The hash of a script for a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
