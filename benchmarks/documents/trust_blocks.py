"""Blocks of docs/trust.md, each from its file of results/."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures
from thriftnet.evaluation.corruptions.table import CORRUPTIONS, OWN
from thriftnet.table import Cell, Format, Table, make_table


def robust_means(figures: Figures) -> dict[str, Any]:
    """Rows per network: means, JPEG copies and flips."""
    rows = [
        (
            f"`{name}`",
            found["clean"],
            found["mean"],
            _interval(found["interval"]),
            found["mean_without_own"],
            found["jpeg_75"],
            found["clean"] - found["jpeg_75"],
            found["flip_rate"],
        )
        for name, found in figures["networks"].items()
    ]
    columns = (
        "network", ("as they are", ".2%"), ("mean of 75 sets", ".2%"), "95%",
        ("of published kinds", ".2%"), ("JPEG copies", ".2%"), ("lost", ".2%"),
        ("changed by a shift", ".2%"),
    )  # fmt: skip
    return {"table": make_table(columns, rows).markdown(), "own": " and ".join(OWN)}


def robust_kinds(figures: Figures) -> Table:
    """Rows per corruption: mean over severities, and the hardest one."""
    networks = figures["networks"]
    columns: list[str | tuple[str, Format]] = ["corruption"]
    for name in networks:
        columns += [(f"`{name}`", ".1%"), ("at severity 5", ".1%")]
    rows: list[list[Any]] = []
    for kind in CORRUPTIONS:
        row: list[Any] = [f"{kind} (ours)" if kind in OWN else kind]
        for found in networks.values():
            cells = found["corruptions"][kind]
            row += [sum(cells) / len(cells), cells[-1]]
        rows.append(row)
    return make_table(columns, rows)


def calibration_rows(figures: Figures) -> dict[str, Any]:
    """Rows per network and views: error before, with a temperature, with the map, and the floor."""
    rows: list[tuple[Any, ...]] = []
    for name, found in figures["networks"].items():
        for tta in dict.fromkeys((found["tta"], "none")):
            who = found["test"][tta]
            shipped, own = who["shipped"], who["companion"]
            knots = len(found["maps"][tta]["shifts"])
            rows.append(
                (
                    f"`{name}`",
                    tta,
                    f"{found['maps'][tta]['temperature']:.3f}, {knots} knots",
                    shipped["before"]["error"],
                    shipped["temperature_alone"]["error"],
                    shipped["after"]["error"],
                    _interval(shipped["after"]["interval"], ".4f"),
                    shipped["after"]["noise_floor"],
                    own["after"]["error"],
                    shipped["after"]["nll"],
                )
            )
    columns = (
        "network", "views", "map", ("error before", ".4f"), ("by a temperature", ".4f"),
        ("by the map", ".4f"), "95%", ("floor", ".4f"), ("companion's own", ".4f"), ("NLL", ".4f"),
    )  # fmt: skip
    return {"table": make_table(columns, rows).markdown()}


def outlier_rows(figures: Figures) -> Table:
    """Rows per network and score: AUROC, and detections at 5% false alarms."""
    kinds = list(figures["images"])
    columns: list[str | tuple[str, Format]] = ["network", "score", ("false alarms", ".1%"), *kinds]
    rows: list[list[Any]] = []
    for name, scores in figures["networks"].items():
        for score, found in scores.items():
            cells = [
                Cell(f"{v['auroc']:.3f} ({v['noticed']:.0%})", v["auroc"]) for v in found.values()
            ]
            rows.append([f"`{name}`", score, found[kinds[0]]["false_alarms"], *cells])
    return make_table(columns, rows)


def _interval(pair: list[float], form: str = ".2%") -> str:
    return f"{format(pair[0], form)} to {format(pair[1], form)}"


TRUST_BLOCKS = {
    "robust-means": Block("robustness", "robustness.py", robust_means),
    "robust-kinds": Block("robustness", "robustness.py", robust_kinds),
    "corruption-speed": Block("corruption_speed", "robustness.py --time"),
    "calibration": Block("calibration", "calibrate_shipped.py NAME", calibration_rows),
    "outliers": Block("ood", "ood.py --fashion DIR --solar DIR", outlier_rows),
}
