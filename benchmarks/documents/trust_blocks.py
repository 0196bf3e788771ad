"""Blocks of docs/trust.md, each from its file of results/."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures
from documents.robust_blocks import interval
from thriftnet.table import Cell, Format, Table, make_table


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
                    found.get("companion_epochs", 1) / found.get("epochs", 1),
                    f"{found['maps'][tta]['temperature']:.3f}, {knots} knots",
                    shipped["before"]["error"],
                    shipped["temperature_alone"]["error"],
                    shipped["after"]["error"],
                    interval(shipped["after"]["interval"], ".4f"),
                    shipped["after"]["noise_floor"],
                    own["after"]["error"],
                    shipped["after"]["nll"],
                )
            )
    columns = (
        "network", "views", ("companion's epochs", ".0%"), "map", ("error before", ".4f"),
        ("by temperature alone", ".4f"), ("by the map", ".4f"), "95% interval", ("floor", ".4f"),
        ("companion's own", ".4f"), ("NLL", ".4f"),
    )  # fmt: skip
    rejected = {
        name: found["rejected_as_outliers"]["0.05"]
        for name, found in figures["networks"].items()
        if "rejected_as_outliers" in found
    }
    return {"table": make_table(columns, rows).markdown(), "rejected": rejected}


def companion_length_rows(figures: Figures) -> dict[str, Any]:
    """Rows per share of the epochs: what its map does to the full companion and the network."""
    rows = [
        (
            Cell(f"{float(share):.0%}", float(share)),
            found["accuracy"],
            found["temperature"],
            found["held_out"]["error"],
            found["held_out"]["nll"],
            found["test"]["error"],
            found["test"]["nll"],
            found["rejected_as_outliers"]["0.05"],
        )
        for share, found in figures["shares"].items()
    ]
    columns = (
        "epochs", ("accuracy", ".1%"), ("temperature", ".3f"), ("error, held out", ".4f"),
        ("NLL, held out", ".4f"), ("error, test", ".4f"), ("NLL, test", ".4f"), ("rejected", ".1%"),
    )  # fmt: skip
    return {
        "network": figures["network"],
        "images": figures["images"],
        "table": make_table(columns, rows).markdown(),
    }


def outlier_rows(figures: Figures) -> dict[str, Any]:
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
    files = figures["false_alarms_of_files"].items()
    return {
        "table": make_table(columns, rows).markdown(),
        "files": {name: share for name, share in files if share is not None},
    }


def audit_rows(figures: Figures) -> Table:
    """Rows per kind and share of changed labels: what was found, and the accuracy regained."""
    columns = (
        "recipe, changed labels", ("changed", "d"), ("precision at that count", ".1%"),
        "cleanlab's count: precision, recall", "accuracy: true, changed, corrected labels",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, found in figures["audits"].items():
        own, accuracies = found["at_own_count"], found["accuracies"]
        rows.append(
            (
                name,
                found["flipped"],
                found["at_true_count"]["precision"],
                f"{own['found']:,}: {own['precision']:.1%}, {own['recall']:.1%}",
                ", ".join(
                    f"{accuracies[key]:.2%}"
                    for key in ("true", "flipped", "corrected")
                    if key in accuracies
                )
                or "not trained yet",
            )
        )
    return make_table(columns, rows)


TRUST_BLOCKS = {
    "calibration": Block("calibration", "calibrate_shipped.py NAME", calibration_rows),
    "companion-length": Block("companion_length", "companion_length.py", companion_length_rows),
    "audit": Block("audit_labels", "audit_labels.py symmetric 0.05", audit_rows),
    "outliers": Block("ood", "ood.py --fashion DIR --solar DIR", outlier_rows),
}
