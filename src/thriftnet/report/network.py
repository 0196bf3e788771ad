"""Draws the network's blocks and the filters of its first layer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray
from torch import nn

from thriftnet.report import style
from thriftnet.report.blocks import Block
from thriftnet.report.drawing import Drawing, finish

_ROW = 0.44
"""Height of a block in inches."""


def draw_architecture(blocks: list[Block], *, name: str, classes: int, image_size: int) -> Drawing:
    """Draw the blocks from the picture to the logits, with shape, parameters and MACs."""
    rows = ["image", *blocks]
    height = _ROW * len(rows) + 0.5
    axes = style.new_axes(width=style.WHOLE, height=height)
    figure = style.figure_of(axes)
    low, top = 0.12 / height, 1 - 0.5 / height
    axes.set_position((0, low, 0.52, top))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for row, block in enumerate(rows):
        shape = (3, image_size, image_size) if isinstance(block, str) else block.output_shape
        _draw_box(axes, row, block, shape=shape, last=row == len(rows) - 1)
    for left, title, color, hatch, values in (
        (0.535, "parameters", style.BLUE, None, [block.parameters for block in blocks]),
        (0.755, "MACs an image", style.ORANGE, "///", [block.macs for block in blocks]),
    ):
        bars = figure.add_axes((left, low, 0.13, top), sharey=axes)
        bars.barh(range(1, len(rows)), values, 0.5, color=color, hatch=hatch)
        bars.set_axis_off()
        bars.set_xlim(0, max(*values, 1))
        for row, value in enumerate(values, start=1):
            bars.annotate(
                f"{value:,}", (value, row), (4, 0), textcoords="offset points", va="center",
                fontsize=8.5, annotation_clip=False,
            )  # fmt: skip
        bars.annotate(
            f"{title}: {sum(values):,}", (0, 1), (0, 6), xycoords="axes fraction",
            textcoords="offset points", fontsize=9, fontweight="bold",
        )  # fmt: skip
    axes.annotate(
        "block, and what it gives (C×H×W)", (0, 1), (4, 6), xycoords="axes fraction",
        textcoords="offset points", fontsize=9, fontweight="bold",
    )  # fmt: skip
    largest = max(blocks, key=lambda block: block.macs)
    return finish(
        axes,
        name="architecture",
        title="Architecture",
        caption=f"The network of {style.printable(name)}, found by running one image through it. "
        "Parameters are trainable ones; MACs are multiply-accumulates of convolutions and linear "
        "layers; /2 is a stride of two. Blocks have the names that thriftnet describe prints.",
        alt=f"Block diagram from a 3×{image_size}×{image_size} image to {classes} logits in "
        f"{len(blocks)} blocks: {sum(block.parameters for block in blocks):,} parameters and "
        f"{sum(block.macs for block in blocks):,} MACs; most MACs are in {largest.name}. "
        "The same figures stand in the table of blocks.",
        wide=True,
    )


def _draw_box(axes: Axes, row: int, block: Block | str, *, shape: object, last: bool) -> None:
    box = FancyBboxPatch(
        (0.02, row - 0.31), 0.96, 0.62, boxstyle="round,pad=0,rounding_size=0.06",
        facecolor="none", edgecolor=style.MUTED, linewidth=0.9, mutation_aspect=4,
    )  # fmt: skip
    axes.add_patch(box)
    if not last:
        axes.annotate(
            "", (0.5, row + 0.69), (0.5, row + 0.31),
            arrowprops={"arrowstyle": "-|>", "color": style.MUTED, "shrinkA": 0, "shrinkB": 0,
                        "linewidth": 0.9, "mutation_scale": 7},
        )  # fmt: skip
    label, content = (block, "") if isinstance(block, str) else (block.name, block.content)
    axes.text(0.045, row, label, va="center", fontsize=8.5, fontweight="bold")
    axes.text(0.225, row, content, va="center", fontsize=7.5)
    dimensions = shape if isinstance(shape, tuple) else ()
    axes.text(0.965, row, "×".join(map(str, dimensions)), va="center", ha="right", fontsize=8.5)


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
        alt=f"{count} small coloured squares, one a filter of the first convolution.",
    )
