"""The page of explanations: one file that needs no other."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from thriftnet.explain.run import SHOWN, Explained
from thriftnet.html.pictures import data_uri
from thriftnet.html.render import render_html

_LISTED = 3
"""Classes whose probabilities are shown."""


def explanation_page(name: str, explained: Explained) -> bytes:
    """The page as an HTML file.

    Args:
        name: Of the network.
        explained: One picture at least.
    """
    folder = resources.files("thriftnet.explain") / "assets"
    absolute = [each.path.parent for each in explained.pictures if each.path.is_absolute()]
    places = [Path(os.path.commonpath(absolute))] if absolute else []
    height, width = explained.pictures[0].activation.shape
    return render_html(
        folder / "explain.html.j2",
        style=folder / "explain.css",
        scripts=[],
        folders=[*places, Path(name).absolute().parent],
        name=name,
        explanations=explained.pictures,
        grid=f"{width}×{height}",
        side=explained.image_size,
        shown=SHOWN,
        tta=explained.tta,
        listed=_LISTED,
        near=any(each.neighbours for each in explained.pictures),
        uri=data_uri,
    )
