"""Renders the page for reviewing suspicious pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from thriftnet.plain import plain_lines


@dataclass(frozen=True)
class AuditCard:
    """One picture to review."""

    picture: str
    """Its name in the data set."""
    digest: str
    pixels: NDArray[np.uint8]
    """(H, W, 3)."""
    label: str
    suggested: str
    score: float
    """Out-of-fold probability of its label."""
    reasons: tuple[str, ...]

    @property
    def data_uri(self) -> str:
        """The picture as a PNG data URI."""
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG")
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def audit_page(
    name: str,
    classes: Sequence[str],
    cards: Sequence[AuditCard],
    *,
    columns: Sequence[str],
    file: str,
) -> bytes:
    """Render the page as one offline HTML file; it saves decisions as CSV.

    Args:
        name: Name of the data set.
        classes: Classes to choose from.
        cards: The most suspicious first.
        columns: Columns of the CSV file.
        file: Name of the CSV file.
    """
    folder = resources.files("thriftnet.audit") / "assets"
    script = (folder / "audit.js").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "audit.html.j2").read_text("utf-8"))
    keys = ("picture", "digest", "label", "suggested")
    facts = {
        "columns": list(columns),
        "classes": list(classes),
        "file": file,
        "key": hashlib.sha256("".join(card.digest for card in cards).encode()).hexdigest()[:16],
        "cards": [{key: getattr(card, key) for key in keys} for card in cards],
    }
    text = template.render(
        name=name,
        cards=cards,
        classes=classes,
        style=Markup((folder / "audit.css").read_text("utf-8")),
        script=Markup(script),
        source=f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
        facts=Markup(_json_in_html(facts)),
    )
    return plain_lines(text).encode("utf-8")


def _json_in_html(value: object) -> str:
    """JSON that cannot close its script element: every `<` is escaped."""
    return json.dumps(value).replace("<", "\\u003c")
