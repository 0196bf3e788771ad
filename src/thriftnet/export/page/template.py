"""Renders the page as HTML, for any engine."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable

from thriftnet.data.decode import DRAFT_FACTOR
from thriftnet.data.inspection import listed
from thriftnet.data.picture_formats import unreadable_patterns
from thriftnet.data.refusals import MAX_PIXELS, MAX_SIDE
from thriftnet.html.render import render_html, script_json
from thriftnet.models.preprocessing import Preprocessing

_MOST_LISTED = 12
_COMMON = ("capable.js", "contract.js")
_INTERFACE = ("app.js", "camera.js")
_FOLDER = resources.files("thriftnet.export.page") / "assets"
DECODING = (
    "lanczos.js",
    "square.js",
    "headers.js",
    "jpeg_blocks.js",
    "jpeg_scan.js",
    "jpeg_colour.js",
    "jpeg.js",
    "profile.js",
    "decode.js",
)
"""Scripts that turn a picture file into the network's input."""


@dataclass(frozen=True)
class PageFacts:
    """Content of the page."""

    name: str
    """Name of the network."""
    preprocessing: Preprocessing
    rows: tuple[tuple[str, str], ...]
    """Pairs of name and value."""
    notes: tuple[str, ...] = ()
    """Sentences below the rows."""
    footer: str = ""


@dataclass(frozen=True)
class PageEngine:
    """The engine of a page: scripts that define `engine` as in contract.js, and their data."""

    scripts: tuple[Traversable, ...]
    """Files, in order."""
    whereabouts: str
    """A sentence on where pictures are classified."""
    script_sources: str = ""
    """Script sources in the Content-Security-Policy, in addition to the scripts themselves."""
    connect: str = "'none'"
    """The policy's `connect-src`."""
    embedded: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Binary data by name, for `unpack` in wasm.js."""
    licence_of: str = ""
    licence: str = ""
    """Licence of third-party parts."""


def scripts(*names: str) -> tuple[Traversable, ...]:
    """The page's own scripts."""
    return tuple(_FOLDER / name for name in names)


def render(page: PageFacts, engine: PageEngine) -> bytes:
    """Render the page as an HTML file that loads no other.

    Args:
        page: Its content.
        engine: Its engine.
    """
    html = render_html(
        _FOLDER / "page.html.j2",
        style=_FOLDER / "style.css",
        scripts=[*scripts(*_COMMON), *engine.scripts, *scripts(*_INTERFACE)],
        page=page,
        listed=listed(page.preprocessing.classes, shown=_MOST_LISTED),
        engine=engine,
        facts=script_json(script_facts(page.preprocessing)),
    )
    # Outside the template: ten megabytes need no escaping.
    parts = b"".join(_embed(name, content) for name, content in engine.embedded.items())
    return html.replace(b"<!-- embedded -->\n", parts, 1)


def script_facts(preprocessing: Preprocessing) -> dict[str, object]:
    """Data for the scripts: the contract and the limits of `read_image`."""
    return {
        **preprocessing.contract(),
        "most_pixels": MAX_PIXELS,
        "most_side": MAX_SIDE,
        "larger": DRAFT_FACTOR,
        "unreadable": unreadable_patterns(),
    }


def _embed(name: str, content: bytes) -> bytes:
    """Bytes in an element that no browser runs; deterministic."""
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0))
    return b'<script type="text/plain" id="embedded-%s">%s</script>\n' % (name.encode(), packed)
