"""Renders a figure to its files and for the page."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from thriftnet.html.pictures import data_uri
from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.chart_data import chart_data

_PNG_DPI = 144

_THEME = {
    style.INK: "ink",
    style.MUTED: "muted",
    style.FAINT: "faint",
    style.PANEL: "panel",
    style.PAPER: "paper",
    style.BLUE: "blue",
    style.VERMILLION: "vermillion",
    style.GREEN: "green",
    style.PURPLE: "purple",
    style.ORANGE: "orange",
    style.SKY: "sky",
}
"""Colours that follow the page's theme, by CSS variable."""


_wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


class NotWantedError(Exception):
    """The figure is no longer needed."""


@contextmanager
def drawing_while(wanted: Callable[[], bool]) -> Generator[None]:
    """Draw figures in this block only while they are needed (per thread).

    Raises:
        NotWantedError: A figure is no longer needed.
    """
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


@dataclass(frozen=True)
class Picture:
    """A small image with its caption."""

    pixels: NDArray[np.uint8]
    """(H, W, 3)."""
    alt: str
    lines: tuple[str, ...]
    """Caption lines; the first is emphasised."""
    first: bool = False
    """Whether it starts a new row on the page."""

    @property
    def data_uri(self) -> str:
        """The picture as a PNG data URI."""
        return data_uri(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Drawing:
    """A figure as files, with its texts."""

    name: str
    """Name of the files, without suffix."""
    title: str
    caption: str
    alt: str
    """Alternative text."""
    svg: str
    png: bytes
    wide: bool = False
    """Whether it spans the page."""
    pictures: tuple[Picture, ...] = field(default=())
    """If any, the page shows these instead of the SVG, and they wrap with its width."""
    paired: bool = False
    """Whether each two of them stay beside each other."""
    data: str = ""
    """JSON of `chart_data`; empty: nothing to read off."""

    @property
    def page_svg(self) -> str:
        """The SVG element for the page, themed, with ids unique on the page."""
        element = self.svg[self.svg.index("<svg") :]
        element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
        element = re.sub(r"<[^>]*>", self._themed, element)  # tags, never the text between them
        words = f'role="img" aria-label="{html.escape(self.alt)}"'
        return element.replace("<svg ", f"<svg {words} ", 1)

    def _themed(self, match: re.Match[str]) -> str:
        """A tag with the page's colours and ids, and coordinates of three decimals."""
        tag = re.sub(r"(\.\d{3})\d+", r"\1", match[0])
        tag = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{self.name}-", tag)
        for colour, variable in _THEME.items():
            tag = tag.replace(colour, f"var(--{variable})")
        return tag


def finish(
    figure: Figure | Axes,
    *,
    name: str,
    title: str,
    caption: str,
    alt: str,
    wide: bool = False,
    pictures: tuple[Picture, ...] = (),
    paired: bool = False,
    details: Mapping[str, Sequence[str]] | None = None,
) -> Drawing:
    """Render a figure to its files.

    Args:
        figure: Or the axes on it.
        name: Of the files.
        title: Above it on the page.
        caption: Below it.
        alt: What a reader who cannot see it should know.
        wide: Whether it takes the whole width of the page.
        pictures: Shown in its place on the page.
        paired: Whether each two of those stay beside each other.
        details: Words for each point of a series, by its label: the page shows them at the point.

    Raises:
        NotWantedError: It is no longer needed (`drawing_while`).
    """
    if not _wanted.get()():
        raise NotWantedError
    if isinstance(figure, Axes):
        figure = style.figure_of(figure)
    return Drawing(
        name=name,
        title=title,
        caption=caption,
        alt=alt,
        svg=svg_of(figure),
        png=png_of(figure),
        wide=wide,
        pictures=pictures,
        paired=paired,
        data="" if pictures else chart_data(figure, details or {}),
    )


def svg_of(figure: Figure) -> str:
    """A figure as an SVG file."""
    svg = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(svg, format="svg", metadata=nothing)
    return svg.getvalue()


def png_of(figure: Figure) -> bytes:
    """A figure as a PNG file."""
    png = io.BytesIO()
    # A level of 6, the default, takes half as long again for files that are 4% larger.
    fast = {"compress_level": 3}
    figure.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None}, pil_kwargs=fast)
    return png.getvalue()


def draw_pictures(
    pictures: tuple[Picture, ...],
    *,
    columns: int,
    name: str,
    title: str,
    caption: str,
    alt: str,
    paired: bool = False,
) -> Drawing:
    """Draw pictures in rows with captions; `paired`: in pairs."""
    rows = -(-len(pictures) // columns)
    cell, gap, line_height = style.WHOLE / columns, 0.14, 0.18  # inches
    side = cell - gap
    row_height = side + 0.08 + line_height * max(len(picture.lines) for picture in pictures) + gap
    figure = Figure(figsize=(style.WHOLE, rows * row_height))
    axes = figure.add_axes((0, 0, 1, 1))  # one axes for all: laying out sixteen takes a second
    axes.set_axis_off()
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        left, top = column * cell + gap / 2, -row * row_height - gap / 2
        extent = (left, left + side, top - side, top)
        axes.imshow(picture.pixels, interpolation="nearest", extent=extent, aspect="auto")
        for place, line in enumerate(picture.lines):
            axes.text(
                left + side / 2, top - side - 0.08 - place * line_height,
                printable(line, longest=22), ha="center", va="top",
                fontsize=7.6, color=style.MUTED if place else style.INK,
            )  # fmt: skip
    axes.set_xlim(0, style.WHOLE)
    axes.set_ylim(-rows * row_height, 0)
    return finish(
        figure, name=name, title=title, caption=caption, alt=alt, wide=True, pictures=pictures,
        paired=paired,
    )  # fmt: skip
