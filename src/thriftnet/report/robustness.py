"""Draws the accuracy under corruption."""

from __future__ import annotations

from typing import Any

from thriftnet.evaluation.corruption_table import corruption_table
from thriftnet.evaluation.corruptions.table import OWN, PUBLISHED, SEVERITIES
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.page import Section
from thriftnet.runs.metrics_log import MetricRecord, is_figure

_FIGURES = ("mean", "clean", "jpeg_75", "flip_rate")


def robustness_section(line: MetricRecord) -> Section | None:
    """The section of a run's latest `evaluate --robust`; None without a readable one."""
    cells = _cells(line)
    if cells is None:
        return None
    tables = (corruption_table(cells, title="Accuracy by severity"),)
    return Section("Robustness", (draw_robustness(line, cells),), tables)


def _cells(line: MetricRecord) -> dict[str, list[float]] | None:
    """The accuracies in a metrics line, if complete; a file may contain anything."""
    found: Any = line.get("corruptions")
    interval: Any = line.get("interval")
    if not isinstance(found, dict) or set(found) != set(PUBLISHED):
        return None
    if not all(is_figure(line.get(key)) for key in _FIGURES):
        return None
    if not isinstance(interval, list) or [is_figure(v) for v in interval] != [True, True]:
        return None
    rows = {name: found[name] for name in PUBLISHED}
    for row in rows.values():
        if not isinstance(row, list) or [is_figure(v) for v in row] != [True] * SEVERITIES:
            return None
    return rows


def _unlike_training(line: MetricRecord) -> str:
    """The mean over corruptions that training did not resemble, where some were resembled."""
    kinds: Any = line.get("resembled")
    if not kinds or not is_figure(line.get("mean_without_resembled")):
        return ""
    if not isinstance(kinds, list) or not set(map(str, kinds)) <= set(PUBLISHED):
        return ""
    named = ", ".join(str(kind).replace("_", " ") for kind in kinds)
    return (
        f" Training changed images in ways that resemble {named}: without these the mean is "
        f"{line['mean_without_resembled']:.2%}."
    )


def draw_robustness(line: MetricRecord, cells: dict[str, list[float]]) -> Drawing:
    """Draw a row per corruption with severities 1 to 5, and the clean accuracy."""
    height = 1.0 + 0.29 * len(cells)
    axes = style.new_axes(height=height, legend_rows=1)
    figure = style.figure_of(axes)
    width = figure.get_size_inches()[0]
    low = 0.55 / height
    axes.set_position((1.45 / width, low, 1 - 1.65 / width, 1 - low - 0.36 / height))
    for place, row in enumerate(cells.values()):
        values = [100 * value for value in row]
        axes.plot(values, [place] * len(values), color=style.BLUE, linewidth=1)
        for severity, value in enumerate(values, start=1):
            axes.plot([value], [place], "o", color=style.BLUE, markersize=1.5 + severity)
    axes.axvline(
        100 * line["clean"], color=style.MUTED, linestyle=":", linewidth=1.3,
        label=f"clean: {100 * line['clean']:.1f}%",
    )  # fmt: skip
    axes.axvline(
        100 * line["mean"], color=style.VERMILLION, linestyle="--", linewidth=1.3,
        label=f"mean: {100 * line['mean']:.1f}%",
    )  # fmt: skip
    names = [f"{name}*" if name in OWN else name for name in cells]
    axes.set_yticks(range(len(cells)), [name.replace("_", " ") for name in names])
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlabel("top-1 accuracy (%), larger marks are higher severities")
    style.legend_above(axes, columns=2)
    lowest, highest = line["interval"]
    worst = min(cells, key=lambda name: sum(cells[name]))
    published = line.get("source") == "published"
    own = (
        ""
        if published
        else " Corruptions marked * are implemented differently from the published ones."
    )
    others = _unlike_training(line)
    return finish(
        axes,
        name="robustness",
        title="Accuracy under corruption",
        caption=f"Mean corruption accuracy {line['mean']:.2%} (95% {lowest:.2%} to {highest:.2%}, "
        f"over images), lowest under {worst.replace('_', ' ')}. JPEG copies of quality 75: "
        f"{line['jpeg_75']:.2%}. A shift by one pixel changes {line['flip_rate']:.2%} of the "
        f"predictions.{others}{own}",
        alt=f"Accuracy under 15 corruptions at 5 severities: mean {line['mean']:.2%}, clean "
        f"images {line['clean']:.2%}, lowest under {worst.replace('_', ' ')}.",
    )
