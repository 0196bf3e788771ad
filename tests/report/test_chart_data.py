"""What the page's script is told of a figure."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from thriftnet.report import style
from thriftnet.report.chart_data import chart_data


def told(axes: Axes, **details: list[str]) -> list[dict[str, Any]]:
    return json.loads(chart_data(style.figure_of(axes), details) or "[]")


def test_labelled_lines_are_series_and_nothing_else_is():
    axes = style.new_axes()
    axes.plot([1, 2, 3], [0.5, np.nan, 1 / 3], label="a", color="red")
    axes.plot([1, 2], [1, 2])
    axes.plot([3], [4], label="_b", linestyle="none", marker="o")
    axes.axvline(2, label="limit")
    axes.set_xlabel("epoch")
    (panel,) = told(axes, a=["one", "two", "three"])
    assert panel["by"] == "x"
    assert panel["x"]["name"] == "epoch"
    assert [(s["name"], s["x"], s["y"]) for s in panel["series"]] == [
        ("a", [1, 3], [0.5, 0.333333]),
        ("b", [3], [4]),
    ]
    assert panel["series"][0]["words"] == ["one", "three"]


def test_stairs_and_bars_tell_their_middles_and_heights():
    axes = style.new_axes()
    axes.stairs([3, 5], [0.5, 1.5, 2.5], baseline=[1, 1], label="stairs")
    axes.bar([1, 2], [4, 6], 0.5, label="bars")
    axes.set_ylabel("s")
    (panel,) = told(axes)
    assert [(s["name"], s["x"], s["y"]) for s in panel["series"]] == [
        ("stairs", [1, 2], [2, 4]),
        ("bars", [1, 2], [4, 6]),
    ]


def test_an_axis_of_things_has_their_names():
    axes = style.new_axes()
    axes.barh([0, 1], [2, 3], label="found")
    axes.set_yticks([0, 1], ["cat", "dog"])
    axes.set_xlabel("share")
    (panel,) = told(axes)
    assert panel["y"]["names"] == [[0, "cat"], [1, "dog"]]
    assert "names" not in panel["x"]
    assert panel["by"] == "point"
    assert panel["series"][0]["x"] == [2, 3]


@pytest.mark.parametrize("count", [12, 13])
def test_many_curves_are_read_point_by_point(count: int):
    axes = style.new_axes()
    for number in range(count):
        axes.plot([1, 2], [number, number], label=str(number))
    axes.set_xlabel("epoch")
    assert told(axes)[0]["by"] == ("x" if count == 12 else "point")


def test_axes_that_share_an_x_know_what_it_is():
    above, below = style.stacked_axes(2.0, 2.0)
    above.plot([1, 2], [1, 2], label="a")
    below.plot([1, 2], [1, 100], label="b")
    above.set_ylabel("up")
    below.set_xlabel("step")
    below.set_yscale("log")
    panels = told(above)
    assert [panel["group"] for panel in panels] == [1, 2]
    assert [panel["x"]["name"] for panel in panels] == ["step", "step"]
    assert ["log" in panel["y"] for panel in panels] == [False, True]
    assert panels[0]["box"][3] < panels[1]["box"][1]  # one above the other, from the top


def test_axes_without_words_or_series_have_nothing_to_read():
    axes = style.new_axes()
    axes.plot([1, 2], [1, 2], label="a")
    assert told(axes) == []  # such as parallel coordinates, whose axes are drawn
    axes.set_axis_off()
    axes.set_xlabel("x")
    assert told(axes) == []
