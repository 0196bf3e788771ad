"""The page as HTML, for any engine that answers it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable

from thriftnet.data.decode import DRAFT_FACTOR, MAX_PIXELS, MAX_SIDE
from thriftnet.data.picture_formats import unreadable_patterns
from thriftnet.html.render import render_html
from thriftnet.models.preprocessing import Preprocessing

_MOST_LISTED = 12
_COMMON = ("capable.js", "contract.js")
_INTERFACE = ("app.js", "camera.js")
_FOLDER = resources.files("thriftnet.export.page")
DECODING = ("lanczos.js", "square.js", "draft.js", "headers.js", "decode.js")
"""Scripts that make a network's input of a picture file."""


@dataclass(frozen=True)
class PageFacts:
    """What the page says and needs to know."""

    name: str
    """Of the network."""
    preprocessing: Preprocessing
    rows: tuple[tuple[str, str], ...]
    """Names and values side by side."""
    notes: tuple[str, ...] = ()
    """Sentences below them."""
    footer: str = ""


@dataclass(frozen=True)
class PageEngine:
    """What answers the page: scripts that define `engine` as contract.js says, and their parts."""

    scripts: tuple[Traversable, ...]
    """Files, in order."""
    whereabouts: str
    """A sentence: where pictures are classified."""
    script_sources: str = ""
    """Of its Content-Security-Policy, beside the scripts themselves."""
    connect: str = "'none'"
    """Where the page may send requests to, in the words of that policy."""
    embedded: Mapping[str, bytes] = field(default_factory=lambda: {})
    """Binary parts by name, which `unpack` of wasm.js reads."""
    licence_of: str = ""
    licence: str = ""
    """Of the parts that are not thriftnet's."""


def scripts(*names: str) -> tuple[Traversable, ...]:
    """Files of this folder."""
    return tuple(_FOLDER / name for name in names)


def render(page: PageFacts, engine: PageEngine) -> bytes:
    """The page as an HTML file that loads no other.

    Args:
        page: What it says.
        engine: What answers it.
    """
    html = render_html(
        _FOLDER / "page.html.j2",
        style=_FOLDER / "style.css",
        scripts=[*scripts(*_COMMON), *engine.scripts, *scripts(*_INTERFACE)],
        page=page,
        listed=_listed(page.preprocessing.classes),
        engine=engine,
        facts=_in_script(script_facts(page.preprocessing)),
    )
    # Outside the template: ten megabytes need no escaping.
    parts = b"".join(_embed(name, content) for name, content in engine.embedded.items())
    return html.replace(b"<!-- embedded -->\n", parts, 1)


def script_facts(preprocessing: Preprocessing) -> dict[str, object]:
    """What the scripts are told: the contract, and the limits of `read_image`."""
    return {
        **preprocessing.contract(),
        "most_pixels": MAX_PIXELS,
        "most_side": MAX_SIDE,
        "larger": DRAFT_FACTOR,
        "unreadable": unreadable_patterns(),
    }


def _listed(classes: tuple[str, ...]) -> str:
    """Classes in a sentence, as many as it bears."""
    if len(classes) <= _MOST_LISTED:
        return ", ".join(classes)
    return f"{', '.join(classes[:_MOST_LISTED])} and {len(classes) - _MOST_LISTED:,} more"


def _in_script(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _embed(name: str, content: bytes) -> bytes:
    """Bytes in an element that no browser runs; equal bytes make equal pages."""
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0))
    return b'<script type="text/plain" id="embedded-%s">%s</script>\n' % (name.encode(), packed)
