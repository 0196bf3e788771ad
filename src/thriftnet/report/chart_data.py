"""What the page's script knows of a figure: where its axes lie, and what is drawn in them.

The script reads values off a chart and zooms into it. All of that comes from matplotlib's own
objects, so that a figure says nothing twice: a line with a label is a series.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.ticker import FixedLocator, FuncFormatter

from thriftnet.plain import plain

_POINT = 72
"""Points of an SVG in an inch."""

_MOST = 12
"""Series that fit in one reading."""

Series = dict[str, Any]


def chart_data(figure: Figure, details: Mapping[str, Sequence[str]]) -> str:
    """JSON of all axes that have series; empty where none has.

    Args:
        figure: Finished.
        details: Words for each point of a series, by the series' label.
    """
    described = [
        _describe(number, axes, figure, details)
        for number, axes in enumerate(figure.axes, start=1)
        if axes.axison and (axes.get_xlabel() or axes.get_ylabel())
    ]
    if not any(each["series"] for each in described):
        return ""
    return json.dumps(described, separators=(",", ":"), allow_nan=False)


def _describe(
    number: int, axes: Axes, figure: Figure, details: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    width, height = figure.get_size_inches() * _POINT
    place = axes.get_position()
    series = [each for each in _series(axes, details) if each["x"]]
    # Of candidates as points, a front that is drawn through them is no curve to read.
    lines = 2 * sum(each.pop("drawn") for each in series) >= max(1, len(series))
    named = [_names(axis) for axis in (axes.xaxis, axes.yaxis)]
    return {
        "group": number,  # of the SVG: axes_1, axes_2
        "box": _short(
            [place.x0 * width, (1 - place.y1) * height, place.x1 * width, (1 - place.y0) * height]
        ),
        "x": _axis(_across(axes), axes.get_xlim(), axes.get_xscale(), named[0]),
        "y": _axis(axes.get_ylabel(), axes.get_ylim(), axes.get_yscale(), named[1]),
        # One reading for all series at an x, or one for each point.
        "by": "x" if lines and not any(named) and len(series) <= _MOST else "point",
        # A band is wider than the line in it, so the script cannot fit an axis to the lines.
        "fit": not axes.collections,
        "series": series,
    }


def _across(axes: Axes) -> str:
    """What the x axis is called, on the lowest of axes that share it."""
    sharing = axes.get_shared_x_axes().get_siblings(axes)
    return next((each.get_xlabel() for each in (axes, *sharing) if each.get_xlabel()), "")


def _axis(
    name: str, limits: tuple[float, float], scale: str, names: list[tuple[float, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": plain(name), "limits": _short(limits)}
    if scale == "log":
        found["log"] = True
    if names:
        found["names"] = names
    return found


def _names(axis: Axis) -> list[tuple[float, str]]:
    """The words on an axis of things; none on an axis of numbers."""
    form, locator = axis.get_major_formatter(), axis.get_major_locator()
    if not isinstance(locator, FixedLocator) or not isinstance(form, FuncFormatter):
        return []
    places = axis.get_ticklocs()
    return [(at, plain(form(place))) for at, place in zip(_short(places), places, strict=True)]


def _label(artist: Artist) -> str:
    """What the legend calls it, or `_` and what another of the legend is called; else nothing."""
    label = str(artist.get_label())
    return "" if label.startswith("_child") else label.removeprefix("_")


def _series(axes: Axes, details: Mapping[str, Sequence[str]]) -> Iterator[Series]:
    """Labelled lines, stairs and bars, in the order of drawing."""
    for line in axes.lines:
        label = _label(line)
        if label and line.get_transform() == axes.transData:
            xs, ys = (np.asarray(each, dtype=float) for each in line.get_data())
            drawn = line.get_linestyle() not in ("None", "none", "")
            yield _one(label, xs, ys, details, drawn=drawn)
    for patch in axes.patches:
        label = _label(patch)
        if isinstance(patch, StepPatch) and label:
            values, edges, base = patch.get_data()
            tall = np.asarray(values) - np.asarray(base)
            middles = (np.asarray(edges)[1:] + np.asarray(edges)[:-1]) / 2
            yield _one(label, middles, tall, details, drawn=True)
    for bars in axes.containers:
        label = str(bars.get_label())
        if isinstance(bars, BarContainer) and label and not label.startswith("_"):
            boxes = cast(Sequence[Rectangle], bars.patches)
            upright = bars.orientation != "horizontal"
            middles = [
                b.get_x() + b.get_width() / 2 if upright else b.get_y() + b.get_height() / 2
                for b in boxes
            ]
            lengths = [b.get_height() if upright else b.get_width() for b in boxes]
            xs, ys = (middles, lengths) if upright else (lengths, middles)
            yield _one(label, np.array(xs), np.array(ys), details, drawn=upright)


def _one(
    label: str, xs: Any, ys: Any, details: Mapping[str, Sequence[str]], *, drawn: bool
) -> Series:
    known = np.isfinite(xs) & np.isfinite(ys)
    # Cleaned here, since JSON spells out what the page would clean.
    series: Series = {
        "name": plain(label),
        "x": _short(xs[known]),
        "y": _short(ys[known]),
        "drawn": drawn,
    }
    if label in details:
        series["words"] = [plain(w) for w, at in zip(details[label], known, strict=True) if at]
    return series


def _short(values: Any) -> list[float]:
    """Numbers of six digits at most, whole ones without a point."""
    rounded = [float(f"{value:.6g}") for value in np.asarray(values, dtype=float).tolist()]
    return [int(value) if value == int(value) else value for value in rounded]
