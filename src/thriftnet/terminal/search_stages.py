"""Prints the outcomes of analysis and refinement."""

from __future__ import annotations

from typing import Any

from thriftnet.plain import plain
from thriftnet.table import make_table, millions
from thriftnet.terminal.tables import wrapped_lines
from thriftnet.terminal.text import fit, print_whole, print_wrapped, row_of, terminal_width


def marked(entry: dict[str, Any]) -> str:
    """The label of an entry, with the reference marked."""
    mark = "  (the reference)" if entry["reference"] else ""
    return f"{plain(entry['label'])}{mark}"


def print_analysis(outcome: dict[str, Any]) -> None:
    """Print each network's stages with their verdicts and measurements."""
    print()
    print_whole("analysis: what each stage of a network adds, and what it costs")
    for network in outcome["networks"]:
        width = terminal_width(otherwise=80)
        print()
        print_whole(marked(network), otherwise=80)
        dynamics = network["dynamics"]
        slope = dynamics["loss_slope"]
        told = "" if slope is None else f"loss slope {slope:+.4f} per epoch, "
        gap = f"accuracy gap (training − validation) {dynamics['gap']:+.4f}"
        print_wrapped(f"{told}{gap}", indent="  ")
        for stage in network["stages"]:
            cells = [
                fit(stage["name"], 8),
                fit(f"dead {stage['dead']}/{stage['channels']}", 13),
                fit(f"rank {stage['effective_rank']:.1f}", 10),
                fit(f"probe {stage['probe_accuracy']:.4f}", 12),
            ]
            if width >= 70:
                cells.append(fit(f"update {stage['relative_update']:.1e}", 14))
            print_whole("  " + row_of(cells), otherwise=80)
            print_wrapped(f"{stage['verdict']}: {stage['reason']}", indent="    ")
        confused = network["errors"]["most_confused"]
        if confused:
            worst = confused[0]
            print_wrapped(
                f"most often confused: {worst['label']} predicted as {worst['predicted']} "
                f"({worst['images']} of {network['errors']['images']} images)",
                indent="  ",
            )
    print(flush=True)


def print_refinement(outcome: dict[str, Any]) -> None:
    """Print the proposals, their gain, and the Pareto set."""
    width = terminal_width()
    print(f"\nrefinement: {outcome['jobs']} jobs")
    for shift in outcome.get("shifts", []):
        told = f"stage {shift['from_stage']} to stage {shift['to_stage']}: {plain(shift['label'])}"
        over = f"  ({shift['refused']})" if shift["refused"] else f"  {shift['parameters']:,}"
        print_whole(f"  capacity moved from {told}{over}")
    if outcome.get("gain") is not None:
        print(f"best refined − grid's best: {outcome['gain']:+.4f}")
    print("Pareto set of accuracy, parameters and MACs")
    rows = [(e["val_accuracy"], e["parameters"], e["macs"], marked(e)) for e in outcome["pareto"]]
    table = make_table((("", ".4f"), "", ("", millions), "candidate"), rows)
    print("\n".join(wrapped_lines(table, room=width, head=False, indent="  ")))
    print(flush=True)
