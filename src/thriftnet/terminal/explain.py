"""How explanations look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from thriftnet.explain.run import Explanation
from thriftnet.plain import plain
from thriftnet.terminal.text import print_whole


def print_explanations(explanations: Sequence[Explanation]) -> None:
    """One line per picture: the prediction, and the labels of the nearest training images."""
    for each in explanations:
        said = each.prediction
        near = ", ".join(f"{plain(one.label)} {one.similarity:.2f}" for one in each.neighbours)
        found = f"{plain(str(each.path))}  {plain(said.label)} {said.probability:.1%}"
        print_whole(f"{found}  nearest: {near}" if near else found)
