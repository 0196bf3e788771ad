"""Renders the page for reviewing suspicious pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.own.decisions import written
from thriftnet.html.pictures import data_uri
from thriftnet.html.render import render_html, script_json


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
    similarity: float
    """Mean similarity to the nearest training pictures of its fold's network, at most 1."""
    reasons: tuple[str, ...]

    @property
    def data_uri(self) -> str:
        """The picture as a PNG data URI."""
        return data_uri(self.pixels)


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
    keys = ("picture", "digest", "label", "suggested")
    facts = {
        "columns": list(columns),
        "classes": list(map(written, classes)),
        "file": file,
        "key": hashlib.sha256("".join(card.digest for card in cards).encode()).hexdigest()[:16],
        "cards": [{key: written(getattr(card, key)) for key in keys} for card in cards],
    }
    return render_html(
        folder / "audit.html.j2",
        style=folder / "audit.css",
        scripts=[folder / "audit.js"],
        name=name,
        cards=cards,
        classes=classes,
        facts=script_json(facts, exact=True),  # names in the CSV file have to be found again
    )
