"""Style of figures, legible in colour, grey, print, dark pages and to the colour-blind."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, FAINT, PANEL, PAPER = "#1b1b1b", "#5f6368", "#dadce0", "#f3f4f6", "#fefefe"
"""Text and axes, secondary text, grid, spans, background; on the page they follow the theme."""

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)
"""Okabe and Ito's colour-blind-safe palette (2008), darkest first."""


@dataclass(frozen=True)
class LineStyle:
    """Colour, dashes and marker; each alone distinguishes the lines."""

    color: str
    linestyle: str | tuple[int, tuple[int, ...]]
    marker: str


LINES = (
    LineStyle(BLUE, "-", "o"),
    LineStyle(VERMILLION, "--", "s"),
    LineStyle(GREEN, "-.", "^"),
    LineStyle(PURPLE, ":", "D"),
    LineStyle(ORANGE, (0, (5, 1, 1, 1, 1, 1)), "v"),
    LineStyle(SKY, (0, (8, 2)), "P"),
    LineStyle(INK, (0, (2, 1)), "X"),
    LineStyle(MUTED, (0, (1, 3)), "*"),
)

_SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "hatch.color": MUTED,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "path.simplify": False,  # the page zooms in, where points that were left out would be missed
    "svg.fonttype": "none",  # text stays text: it can be searched, and follows the page's theme
    "svg.hashsalt": "thriftnet",  # the same figure is the same file
    "text.color": INK,
    "text.parse_math": False,  # no math mode for dollar signs in names
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
}

HALF, WHOLE = 4.8, 9.4
"""Widths of figures in inches: half and full column of the page."""


@contextmanager
def figure_style() -> Generator[None]:
    """Context for drawing and saving, independent of the user's settings."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Names may have characters that the PNG's font lacks; browsers have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        for name, value in _SETTINGS.items():
            mpl.rcParams[name] = value
        yield


def new_axes(*, width: float = HALF, height: float = 3.2, legend_rows: int = 0) -> Axes:
    """New figure with one axes and room for a legend above."""
    figure = Figure(figsize=(width, height))
    top = 1 - (0.14 + 0.22 * legend_rows) / height
    return figure.add_axes((0.68 / width, 0.52 / height, 1 - 0.84 / width, top - 0.52 / height))


def named_rows(names: Sequence[str], *, row: float = 0.42, above: float = 0.14) -> Axes:
    """New figure with a named row per item, the first at the top.

    Args:
        names: One line each.
        row: Height of a row in inches.
        above: Room above the rows in inches.
    """
    height = 0.61 + above + row * len(names)
    axes = new_axes(height=height)
    left = (0.33 + 0.08 * max(map(len, names))) / HALF
    axes.set_position((left, 0.52 / height, 0.96 - left, 1 - (0.52 + above) / height))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return axes


def stacked_axes(*heights: float) -> list[Axes]:
    """Axes above each other with one axis across, each with room for a legend of a row.

    Args:
        heights: Of each with its legend and ticks, inches.
    """
    whole = sum(heights) + 0.2
    figure = Figure(figsize=(HALF, whole))
    found: list[Axes] = []
    top = whole
    for height in heights:
        bottom = top - height + 0.32
        place = (0.68 / HALF, bottom / whole, 1 - 0.84 / HALF, (top - 0.34 - bottom) / whole)
        found.append(figure.add_axes(place, sharex=found[0] if found else None))
        top -= height
    return found


def legend_above(axes: Axes, *, columns: int = 3) -> None:
    """Add a legend above the axes, clear of the lines."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, borderaxespad=0.1,
        handlelength=2.6, columnspacing=1.4,
    )  # fmt: skip


def figure_of(axes: Axes) -> Figure:
    """Figure of the axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure
