"""Verdicts of the stage analysis, with their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thriftnet.plain import printable
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.study.marked import legend_on_top
from thriftnet.report.study.words import named
from thriftnet.table import Table, amount, make_table, points

SIGNS = {
    "bottleneck": "▲",
    "over-capacity": "▼",
    "balanced": "=",
    "inconclusive": "?",
    "cannot be told": "?",
}
"""Symbols of the verdicts; the last is what earlier versions wrote for an inconclusive one."""
Network = Mapping[str, Any]


def draw_stages(networks: Sequence[Network]) -> list[Drawing]:
    """Draw, for each network, each stage's gain beside its cost."""
    return [
        _draw(network, number, name=named(network))
        for number, network in enumerate(networks, start=1)
    ]


def _draw(network: Network, number: int, *, name: str) -> Drawing:
    stages = network["stages"]
    names = [printable(str(stage["name"]), longest=12) for stage in stages]
    axes = style.named_rows(names, row=0.62)
    places = range(len(stages))
    gains = [100 * stage["gain_share"] for stage in stages]
    costs = [100 * stage["cost_share"] for stage in stages]
    axes.barh(
        [at - 0.19 for at in places], gains, 0.36, color=style.BLUE, label="share of the gain"
    )
    axes.barh(
        [at + 0.19 for at in places], costs, 0.36, facecolor=style.ORANGE, edgecolor=style.MUTED,
        hatch="///", linewidth=0, label="share of the cost",
    )  # fmt: skip
    highest = max([*gains, *costs, 1])
    for at, stage in zip(places, stages, strict=True):
        verdict = str(stage["verdict"])
        axes.annotate(
            f"{SIGNS.get(verdict, '')} {verdict}", (max(gains[at], costs[at]), at), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=9, fontweight="bold",
        )  # fmt: skip
    axes.set_xlim(0, 1.5 * highest)
    axes.set_xticks([share for share in range(0, 101, 20) if share <= highest + 10])
    axes.set_xlabel("share of all stages (%)")
    axes.grid(visible=False, axis="y")
    legend_on_top(axes)
    told = [f"{s['name']} {s['verdict']}: {s['reason']}" for s in stages]
    return finish(
        axes,
        name=f"stages-{number}",
        title=name,
        caption="; ".join(told) + ".",
        alt=f"Shares of gain and cost of the stages of {name}. " + "; ".join(told) + ".",
    )


def stages_table(networks: Sequence[Network]) -> Table:
    """Table of all measurements per stage."""
    keys = (
        "channels", "dead", "effective_rank", "probe_accuracy", "gain", "gain_share", "cost_share",
        "ratio", "gradient_norm", "relative_update", "parameters", "macs",
    )  # fmt: skip
    rows = [
        (
            named(network),
            str(stage["name"]),
            f"{SIGNS.get(stage['verdict'], '')} {stage['verdict']}",
            *map(stage.__getitem__, keys),
        )
        for network in networks
        for stage in network["stages"]
    ]
    columns = (
        "network", "stage", "verdict", "channels", "dead", ("rank", ",.1f"), ("probe", ".2%"),
        ("gain (points)", points), ("gain share", ".0%"), ("cost share", ".0%"),
        ("gain / cost", ",.2f"), ("gradient norm", ".3g"), ("relative update", ".3g"),
        ("parameters", amount), ("MACs", amount),
    )  # fmt: skip
    return make_table(columns, rows, title="Stages")


def networks_table(networks: Sequence[Network]) -> Table:
    """Table of each network's training and confusions."""
    rows: list[tuple[Any, ...]] = []
    for network in networks:
        dynamics, errors = network["dynamics"], network["errors"]
        confused = ", ".join(
            f"{pair['label']} for {pair['predicted']} ({pair['images']})"
            for pair in errors["most_confused"][:3]
        )
        trained = (dynamics[key] for key in ("val_accuracy", "gap", "loss_slope"))
        counts = (network[key] for key in ("stem_probe_accuracy", "parameters", "macs"))
        rows.append((named(network), network["epochs"], *trained, *counts, confused or None))
    columns = (
        "network", "epochs", ("validation accuracy", ".2%"), ("gap (points)", points),
        ("loss per epoch", ",.4f"), ("probe of the stem", ".2%"), ("parameters", amount),
        ("MACs", amount), "most frequent confusion (images)",
    )  # fmt: skip
    return make_table(columns, rows, title="Networks analysed")


def rules_in_words(rules: Mapping[str, float]) -> str:
    """The rules of the verdicts in words."""
    return (
        "A linear probe predicts the class from each stage's features; gain is what a stage adds "
        "to its accuracy, cost the mean of its shares of parameters and MACs. Over-capacity: "
        f"{rules['dead_share']:.0%} of the channels dead, an effective rank below "
        f"{rules['rank_share']:.0%} of classes − 1, or a gain share below "
        f"{rules['low_ratio']:g} times the cost share. Bottleneck: none of these, and a gain share "
        f"above {rules['high_ratio']:g} times the cost share. In the tables rank is the "
        "effective rank of the features, a relative update the norm of a step as a share of the "
        "weights', and gap is training − validation accuracy."
    )
