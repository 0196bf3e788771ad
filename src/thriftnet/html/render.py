"""A template, its style and its scripts as one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable

import jinja2
from markupsafe import Markup

from thriftnet.plain import plain_lines


def render_html(
    template: Traversable, *, style: Traversable, scripts: Sequence[Traversable], **values: object
) -> bytes:
    """The page as an HTML file. All text is escaped and cleaned; only the scripts are markup.

    The template also gets `style` and `scripts`, with the theme that all pages share, and
    `script_sources`, which its Content-Security-Policy names.

    Args:
        template: A Jinja template.
        style: A style sheet.
        scripts: Run in this order after that of the theme.
        values: Of the template.
    """
    shared = resources.files("thriftnet.html")
    codes = [each.read_text("utf-8") for each in (shared / "theme.js", *scripts)]
    styles = [each.read_text("utf-8") for each in (shared / "theme.css", style)]
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.from_string(template.read_text("utf-8")).render(
        style=Markup("".join(styles)),
        scripts=[Markup(code) for code in codes],
        script_sources=" ".join(map(_source, codes)),
        markup=Markup,
        **values,
    )
    # File names may hold bytes that are no text, and what turns the text around.
    return plain_lines(text).encode("utf-8")


def _source(script: str) -> str:
    """A script as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
