"""What a training used of the processors and of memory, where a run kept it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import RunRecord
from thriftnet.report.training.curves import label_epochs, plot_curve

_GB = 1e9


def draw_usage(record: RunRecord) -> Drawing | None:
    """Processor and memory by epoch; none for runs of earlier versions."""
    own, memory = record.series("cpu_share"), record.series("memory_bytes")
    if not own[1]:
        return None
    above, below = style.stacked_axes(1.9, 2.0)
    plot_curve(above, own, style.LINES[0], "this training", scale=100)
    others = record.series("cpu_contention")
    plot_curve(above, others, style.LINES[1], "taken by other work", scale=100)
    above.set_ylim(0, 105)
    above.set_ylabel("processors (%)")
    plot_curve(below, memory, style.LINES[0], "memory", scale=1 / _GB)
    device = record.series("device_memory_bytes")
    plot_curve(below, device, style.LINES[2], "accelerator, peak", scale=1 / _GB)
    below.set_ylim(0, 1.08 * (max(*memory[1], *device[1], 1e6) / _GB))
    label_epochs(below, "memory (GB)")
    for axes in (above, below):
        _legend(axes)
    share = record.series("memory_share")[1]
    told = f", at most {max(share):.1%} of what is available" if share else ""
    most = f"{max(memory[1]) / _GB:.2f} GB{told}" if memory[1] else "not known"
    return finish(
        above,
        name="usage",
        title="Processors and memory",
        caption="Share of the time of all processors that the run may use, and main memory at the "
        f"end of each epoch: {most}. Other work is the share of the processor time requested by "
        "the training that other processes took.",
        alt=f"Processor share by epoch: {_ends(own[1])}. Memory: {most}.",
    )


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        style.legend_above(axes, columns=2)


def _ends(values: Sequence[float]) -> str:
    return f"{values[0]:.0%} at first, {values[-1]:.0%} at the end"
