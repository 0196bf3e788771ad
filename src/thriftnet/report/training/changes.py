"""Epochs from which a run's images have another size, or only hard examples are visited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from thriftnet.recipe import Recipe
from thriftnet.report import style


@dataclass(frozen=True)
class Change:
    """Something that is different from an epoch on."""

    after: int
    """Epochs that had ended by then."""
    words: str
    """For the line in a figure."""
    sentence: str
    """For the caption."""


def find_changes(recipe: Recipe) -> list[Change]:
    """In order; those of a recipe, however far the run came."""
    found: list[Change] = []
    sizes = recipe.train.sizes
    sides = [*(side for _, side in sizes[1:]), recipe.data.image_size]
    for (end, side), larger in zip(sizes, sides, strict=False):
        text = f"{side}→{larger} px"
        told = f"after epoch {end} images grow from {side} to {larger} pixels"
        found.append(Change(end, text, told))
    share, full = recipe.train.hard_fraction, recipe.train.full_epochs
    if share < 1 and full:
        told = f"after epoch {full} only the {share:.0%} with the largest loss are visited"
        found.append(Change(full, f"hardest {share:.0%}", told))
    return sorted(found, key=lambda change: change.after)


def mark_changes(axes: Axes, changes: Sequence[Change], places: Sequence[float]) -> None:
    """A dotted line with its words for each change, at its place on the x axis."""
    low, high = axes.get_xlim()
    number = style.figure_of(axes).axes.index(axes)
    shown = [pair for pair in zip(changes, places, strict=True) if low < pair[1] < high]
    taken: dict[float, int] = {}
    for change, place in shown:
        turn = taken[place] = taken.get(place, -1) + 1  # two at one place stand on both sides
        if not turn:
            axes.axvline(place, color=style.MUTED, linewidth=1, linestyle=(0, (1, 1.6)), zorder=1)
        axes.text(
            place, 0.98, f" {change.words} ", rotation=90, va="top",
            ha="left" if turn else "right", transform=axes.get_xaxis_transform(), fontsize=7.5,
            color=style.MUTED, gid=f"note-{number}-{len(axes.texts)}",
            bbox={"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.4},
            zorder=1.5,  # above the grid and below what is drawn
        )  # fmt: skip
    axes.set_xlim(low, high)


def mark_epochs(axes: Axes, recipe: Recipe) -> str:
    """The changes on an axis of epochs, and a caption of them; empty where there is none."""
    changes = find_changes(recipe)
    # A value stands at the end of its epoch, so a change is halfway to the next.
    mark_changes(axes, changes, [change.after + 0.5 for change in changes])
    return caption(changes)


def caption(changes: Sequence[Change]) -> str:
    """The changes as a sentence."""
    if not changes:
        return ""
    return f"Dotted lines: {'; '.join(change.sentence for change in changes)}. "
