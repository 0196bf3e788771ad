"""Draws the network's blocks and the filters of its first layer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray
from torch import nn

from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.blocks import Block
from thriftnet.report.drawing import Drawing, finish

_ROW = 0.52
"""Height of a block, inches."""
_COUNTS = (("parameters", style.BLUE, None), ("MACs", style.ORANGE, "///"))


def draw_architecture(blocks: list[Block], *, name: str, classes: int, image_size: int) -> Drawing:
    """Blocks from the picture down to the logits, each with its shape, parameters and MACs.

    As wide as half a page, so that a telephone shows the counts too.
    """
    rows = len(blocks) + 1
    height = _ROW * rows + 0.55
    axes = style.new_axes(height=height)
    figure = style.figure_of(axes)
    low, top = 0.06 / height, 1 - 0.55 / height
    axes.set_position((0, low, 0.59, top))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(rows - 0.5, -0.5)
    _draw_box(axes, 0, "image", "", (3, image_size, image_size), last=False)
    for row, block in enumerate(blocks, start=1):
        last = row == len(blocks)
        _draw_box(axes, row, block.name, block.content, block.output_shape, last=last)
    counted = [[block.parameters for block in blocks], [block.macs for block in blocks]]
    for number, ((title, color, hatch), values) in enumerate(zip(_COUNTS, counted, strict=True)):
        bars = figure.add_axes((0.605 + 0.2 * number, low, 0.19, top), sharey=axes)
        bars.set_axis_off()
        bars.set_xlim(0, max(*values, 1))
        for row, value in enumerate(values, start=1):
            bars.barh(row + 0.16, value, 0.2, color=color, hatch=hatch)
            bars.annotate(
                f"{value:,}", (0, row - 0.08), fontsize=7.8, va="bottom", annotation_clip=False
            )
        _head(bars, f"{title}\n{sum(values):,}", 0)
    _head(axes, "block and its output\n(channels×height×width)", 7)
    largest = max(blocks, key=lambda block: block.macs)
    return finish(
        axes,
        name="architecture",
        title="Architecture",
        caption=f"The network of {printable(name)}, found by running one image through it. "
        "Parameters are trainable ones; MACs are multiply-accumulates of convolutions and linear "
        "layers per image; /2 is a stride of two. The names are those of thriftnet describe.",
        alt=f"Block diagram from a 3×{image_size}×{image_size} image to {classes} logits in "
        f"{len(blocks)} blocks: {sum(counted[0]):,} parameters and "
        f"{sum(counted[1]):,} MACs; most MACs are in {largest.name}. "
        "The table of blocks has the same figures.",
    )


def _head(axes: Axes, words: str, left: float) -> None:
    axes.annotate(
        words, (0, 1), (left, 5), xycoords="axes fraction", textcoords="offset points",
        fontsize=7.8, fontweight="bold", linespacing=1.35,
    )  # fmt: skip


def _draw_box(
    axes: Axes, row: int, name: str, content: str, shape: tuple[int, ...], *, last: bool
) -> None:
    box = FancyBboxPatch(
        (0.02, row - 0.36), 0.96, 0.72, boxstyle="round,pad=0,rounding_size=0.05",
        facecolor="none", edgecolor=style.MUTED, linewidth=0.9, mutation_aspect=5,
    )  # fmt: skip
    axes.add_patch(box)
    if not last:
        axes.annotate(
            "", (0.5, row + 0.64), (0.5, row + 0.36),
            arrowprops={"arrowstyle": "-|>", "color": style.MUTED, "shrinkA": 0, "shrinkB": 0,
                        "linewidth": 0.9, "mutation_scale": 7},
        )  # fmt: skip
    line = row - 0.14 if content else row
    axes.text(0.045, line, printable(name, longest=28), va="center", fontsize=8.5,
              fontweight="bold")  # fmt: skip
    size = 7 if len(content) <= _LINE else 7 * _LINE / len(content)
    axes.text(0.045, row + 0.17, content, va="center", fontsize=size)
    axes.text(0.965, line, "×".join(map(str, shape)), va="center", ha="right", fontsize=8)


_LINE = 46
"""Letters that a box has room for; a longer line is written smaller."""


def first_filters(network: nn.Module) -> NDArray[np.float32] | None:
    """Weights (filters, height, width, 3) of the first convolution that reads the picture."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            return module.weight.detach().float().permute(0, 2, 3, 1).cpu().numpy()
    return None


def draw_filters(filters: NDArray[np.float32]) -> Drawing:
    """Draw each filter as a small colour picture; grey is zero."""
    count, size = filters.shape[0], filters.shape[1]
    columns = min(count, 16)
    rows = -(-count // columns)
    gap = 1
    canvas = np.full((rows * (size + gap) + gap, columns * (size + gap) + gap, 4), 0.0)
    for number, weights in enumerate(filters):
        row, column = divmod(number, columns)
        top, left = gap + row * (size + gap), gap + column * (size + gap)
        peak = max(float(np.abs(weights).max()), 1e-12)
        canvas[top : top + size, left : left + size, :3] = 0.5 + 0.5 * weights / peak
        canvas[top : top + size, left : left + size, 3] = 1
    height = max(0.8, style.HALF * canvas.shape[0] / canvas.shape[1])
    axes = style.new_axes(height=height)
    axes.set_position((0, 0, 1, 1))
    axes.imshow(canvas, interpolation="nearest", interpolation_stage="rgba")
    axes.set_axis_off()
    return finish(
        axes,
        name="filters",
        title="First-layer filters",
        caption=f"The {count} filters of {size}×{size} pixels that see the image, each scaled "
        "to its own largest weight; mid grey is zero, colours are weights on red, green and blue.",
        alt=f"{count} small coloured squares, one per filter of the first convolution.",
    )
