"""Draws how the cost of training grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Axis, the value of a point on x, its divisor and its label.
_COLUMNS: tuple[tuple[str, str, float, str], ...] = (
    ("images", "images", 1e3, "images per epoch (thousands)"),
    ("parameters", "parameters", 1e6, "parameters (millions)"),
    ("threads", "threads", 1, "threads"),
    ("batch_size", "batch_size", 1, "batch size (images)"),
    ("micro_batch", "micro_batch", 1, "micro-batch (images)"),
)
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.88",
    "svg.fonttype": "none",
    "svg.hashsalt": "thriftnet",  # deterministic
}


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw time and peak memory for every axis, readable without colours.

    Args:
        figures: Content of results/cost_growth.json.
        path: The SVG to write.
    """
    with mpl.rc_context(_STYLE):
        figure, panels = plt.subplots(
            2, len(_COLUMNS), figsize=(11, 4.6), sharex="col", layout="constrained"
        )
        for column, (axis, key, unit, label) in enumerate(_COLUMNS):
            points = figures[axis]
            x = [point[key] / unit for point in points]
            _line(panels[0, column], x, [point["seconds"] for point in points], "o-", "black")
            _spread(panels[0, column], x, [_times(point) for point in points])
            memory = [point["peak_memory_bytes"] / 2**30 for point in points]
            _line(panels[1, column], x, memory, "s--", "0.35")
            panels[1, column].set_xlabel(label)
            if key == "threads":
                panels[1, column].set_xticks(x)
        panels[0, 0].set_ylabel("time per epoch (s)")
        panels[1, 0].set_ylabel("peak memory (GiB)")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
    # matplotlib leaves spaces at the ends of lines.
    text = "\n".join(line.rstrip() for line in path.read_text("utf-8").splitlines())
    path.write_text(text + "\n", "utf-8")


def _times(point: dict[str, Any]) -> list[float]:
    """Times of all rounds; older files have one."""
    return point.get("every_time_seconds", [point["seconds"]])


def _spread(panel: Axes, x: list[float], times: list[list[float]]) -> None:
    """Range of the rounds, fastest to slowest."""
    lows, highs = [min(each) for each in times], [max(each) for each in times]
    panel.vlines(x, lows, highs, color="0.35", linewidth=1)
    panel.set_ylim(bottom=0, top=1.15 * max(highs))


def _line(panel: Axes, x: list[float], y: list[float], marker: str, colour: str) -> None:
    panel.plot(x, y, marker, color=colour, markersize=4)
    panel.set_ylim(bottom=0, top=1.15 * max(y))
    panel.set_xlim(left=0)
