"""Points of the growth study change what they say, and the figure shows them all."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import cost_growth
from cost_growth import Point, axes, train_point
from documents.growth_figure import draw
from thriftnet.recipe import load_recipe

TINY = Point(images=24, width=0.02, batch_size=8, micro_batch=4)


def test_a_point_trains_what_it_says():
    found = train_point(TINY)
    assert (found["images"], found["batch_size"], found["micro_batch"]) == (24, 8, 4)
    assert found["images_per_second"] == pytest.approx(24 / found["seconds"])
    assert found["peak_memory_bytes"] > 50e6  # torch alone takes more
    wider = train_point(Point(images=24, width=0.1, batch_size=8, micro_batch=4))
    assert wider["parameters"] > found["parameters"]


def test_points_are_measured_in_turns_and_their_medians_count(monkeypatch: pytest.MonkeyPatch):
    order: list[Point] = []

    def measured(point: Point) -> dict[str, float]:
        order.append(point)
        # The second round was disturbed.
        took = {1: 3.0, 2: 9.0, 3: 4.0}[len(order) // 2 + len(order) % 2]
        rates = {"images_per_second": 24 / took, "gflops": 1 / took}
        return {"images": 24, "seconds": took, "peak_memory_bytes": 100, **rates}

    monkeypatch.setattr(cost_growth, "measure", measured)
    other = Point(images=48)
    found = cost_growth.measure_in_turns([TINY, other], rounds=3)
    assert order == [TINY, other] * 3
    assert found[TINY]["seconds"] == 4.0
    assert found[TINY]["images_per_second"] == 6.0
    assert found[TINY]["every_time_seconds"] == [3.0, 9.0, 4.0]


def test_axes_meet_in_the_recipe_itself():
    quick = load_recipe("quick")
    assert Point().recipe().model == quick.model
    for axis, points in axes(2).items():
        assert any(point == Point() for _, point in points) or axis == "threads"


def test_figure_has_labels_with_units(tmp_path: Path):
    point = {
        "images": 1000,
        "parameters": 10**6,
        "threads": 2,
        "batch_size": 500,
        "micro_batch": 250,
        "seconds": 3.0,
        "peak_memory_bytes": 2**30,
    }
    figures: dict[str, Any] = {axis: [point, {**point, "seconds": 5.0}] for axis in axes(2)}
    path = tmp_path / "figures" / "growth.svg"
    draw(figures, path)
    text = path.read_text("utf-8")
    assert ET.fromstring(text).tag.endswith("svg")
    for label in ("time per epoch (s)", "peak memory (GiB)", "threads", "parameters (millions)"):
        assert label in text
    draw(figures, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text("utf-8") == text
