"""A finished figure: its files, and its form on the page."""

from __future__ import annotations

import html
import io
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from thriftnet.report import style

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
"""Colours of a figure that the page's theme may change, by the name of its CSS variable."""


_wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


class NotWantedError(Exception):
    """Nobody waits for the figure any more."""


@contextmanager
def drawing_while(wanted: Callable[[], bool]) -> Iterator[None]:
    """A block in which each figure is begun only while it is wanted, in this thread.

    Raises:
        NotWantedError: It is not.
    """
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


@dataclass(frozen=True)
class Picture:
    """One small image with what is said of it."""

    pixels: NDArray[np.uint8]
    """(H, W, 3)."""
    alt: str
    lines: tuple[str, ...]
    """Shown below; the first one stands out."""
    first: bool = False
    """Whether it begins a row of the page."""

    @property
    def data_uri(self) -> str:
        """The picture as a PNG inside an address."""
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG")
        return "data:image/png;base64," + b64encode(file.getvalue()).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Drawing:
    """A figure as files, with its words."""

    name: str
    """Of the files, without their endings."""
    title: str
    caption: str
    alt: str
    """What a reader who cannot see it should know."""
    svg: str
    png: bytes
    wide: bool = False
    """Whether it takes the whole width of the page."""
    pictures: tuple[Picture, ...] = field(default=())
    """If any, the page shows these in place of the SVG, so that they flow with its width."""
    paired: bool = False
    """Whether each two of them stay beside each other."""

    @property
    def page_svg(self) -> str:
        """The SVG element for the page: themed, and its ids its own among many on one page."""
        element = self.svg[self.svg.index("<svg") :]
        element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
        element = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{self.name}-", element)
        for colour, variable in _THEME.items():
            element = element.replace(colour, f"var(--{variable})")
        words = f'role="img" aria-label="{html.escape(self.alt)}"'
        return element.replace("<svg ", f"<svg {words} ", 1)


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
) -> Drawing:
    """Render a figure to its files.

    Raises:
        NotWantedError: It is not wanted any more (`drawing_while`).
    """
    if not _wanted.get()():
        raise NotWantedError
    if isinstance(figure, Axes):
        figure = style.figure_of(figure)
    svg, png = io.StringIO(), io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(svg, format="svg", metadata=nothing)
    figure.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return Drawing(
        name=name,
        title=title,
        caption=caption,
        alt=alt,
        svg=svg.getvalue(),
        png=png.getvalue(),
        wide=wide,
        pictures=pictures,
        paired=paired,
    )


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
    """Pictures in rows, each with its lines below; `paired`: each two belong together."""
    rows = -(-len(pictures) // columns)
    cell, gap, line_height = style.WHOLE / columns, 0.14, 0.18  # inches
    side = cell - gap
    row_height = side + 0.08 + line_height * max(len(picture.lines) for picture in pictures) + gap
    figure = Figure(figsize=(style.WHOLE, rows * row_height))
    axes = figure.add_axes((0, 0, 1, 1))  # one for all: sixteen take a second to lay out
    axes.set_axis_off()
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        left, top = column * cell + gap / 2, -row * row_height - gap / 2
        extent = (left, left + side, top - side, top)
        axes.imshow(picture.pixels, interpolation="nearest", extent=extent, aspect="auto")
        for place, line in enumerate(picture.lines):
            axes.text(
                left + side / 2, top - side - 0.08 - place * line_height,
                style.printable(line, longest=22), ha="center", va="top",
                fontsize=7.6, color=style.MUTED if place else style.INK,
            )  # fmt: skip
    axes.set_xlim(0, style.WHOLE)
    axes.set_ylim(-rows * row_height, 0)
    return finish(
        figure, name=name, title=title, caption=caption, alt=alt, wide=True, pictures=pictures,
        paired=paired,
    )  # fmt: skip
