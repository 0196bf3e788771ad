"""Figures whose parts must differ by more than their colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study import keys
from thriftnet.search.importance import Importance


def grey(colour: Any) -> float:
    """Brightness from 0 to 1."""
    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.usefixtures("undrawn")
def test_the_level_of_chance_is_seen_on_a_bar_and_beside_it(monkeypatch: pytest.MonkeyPatch):
    drawn: list[Axes] = []

    def keep(axes: Axes, **words: Any) -> Drawing:
        drawn.append(axes)
        return finish(axes, **words)

    monkeypatch.setattr(keys, "finish", keep)
    found = [Importance(("lr",), 0.03, 0.01), Importance(("blocks",), 0.01, 0.02)]
    drawing = keys.draw_importance(keys.Weighed("grid", 1, 51, [("lr",), ("blocks",)], found))
    assert drawing is not None
    (axes,) = drawn
    below, above = axes.lines
    (bar,) = {patch.get_facecolor() for patch in axes.patches if isinstance(patch, Rectangle)}
    assert below.get_markeredgewidth() > above.get_markeredgewidth() + 3
    assert abs(grey(below.get_color()) - grey(bar)) > 0.4
    assert abs(grey(below.get_color()) - grey(above.get_color())) > 0.8
    for line in (below, above):
        np.testing.assert_array_equal(line.get_xdata(), [0.01, 0.02])
    assert drawing.data.count("95% of shuffled") == 1  # it is read once
