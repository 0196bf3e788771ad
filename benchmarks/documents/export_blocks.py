"""The blocks of docs/export.md, from results/exports.json and results/mobile.json."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures
from thriftnet.table import Cell, make_table

_FP32, _INT8 = "ONNX Runtime", "ONNX Runtime int8"
_KINDS = {"onnx": "`onnx`", "onnx-int8": "`onnx-int8`", "torch-export": "`torch-export`"}


def exports(figures: Figures) -> dict[str, Any]:
    """Render sizes, differences, test accuracy, speed, and all targets."""
    networks = figures["networks"]
    sizes = make_table(
        ("network", "export", ("MB", ".2f"), ("largest difference", ".1e"),
         ("same predictions", ".2%")),
        [
            (f"`{name}`", shown, found["exports"][kind]["bytes"] / 1e6,
             max(found["exports"][kind]["largest_difference"].values()),
             found["exports"][kind]["equal_answers"])
            for name, found in networks.items()
            for kind, shown in _KINDS.items()
        ],
    )  # fmt: skip
    accuracy = make_table(
        ("network", "runtime", ("test accuracy", ".2%"), ("vs. fp32 file, points", "+.2f"),
         ("same predictions", ".2%")),
        [
            (f"`{name}`", _way(way, figures), test["accuracy"],
             100 * (test["accuracy"] - found["test"][_FP32]["accuracy"]), test["equal_to_fp32"])
            for name, found in networks.items()
            for way, test in found["test"].items()
        ],
    )  # fmt: skip
    speed = make_table(
        ("network", "runtime", ("ms at batch 1", ".2f"), ("p95", ".2f"),
         ("images/s at batch 64", ",.0f")),
        [
            (f"`{name}`", _way(way, figures), one["milliseconds_at_1"],
             one["milliseconds_at_1_p95"], one["images_per_second_at_64"])
            for name, found in networks.items()
            for way, one in found["speed"].items()
        ],
    )  # fmt: skip
    targets = make_table(
        ("quantity", "network", ("here", ".3g"), "target", "reached"),
        [
            (row["what"], f"`{row['network']}`", row["value"],
             f"{'≤' if row['at_most'] else '≥'} {row['target']:g}",
             Cell("yes") if row["reached"] else Cell("no", strong=True))
            for row in figures["targets"]
        ],
    )  # fmt: skip
    named = {"sizes": sizes, "accuracy": accuracy, "speed": speed, "targets_table": targets}
    pictures = next(iter(networks.values()))["exports"]["onnx"]["pictures"]
    return {"compared": pictures, **{key: table.markdown() for key, table in named.items()}}


def _way(way: str, figures: Figures) -> str:
    if way == "predictor":
        return f"thriftnet's predictor, {figures['predictor_precision']}"
    return f"{way} fp32" if way == _FP32 else way


def mobile(figures: Figures) -> dict[str, Any]:
    """Sizes, differences and speed of LiteRT and ExecuTorch beside the predictor."""
    ways = {"litert": "LiteRT", "executorch": "ExecuTorch"}
    columns = (
        "network", "runtime", ("MB", ".2f"), ("largest difference", ".1e"),
        ("ms at batch 1", ".2f"), ("images/s at batch 64", ",.0f"),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, found in figures["networks"].items():
        speed = found["speed"]
        for kind, way in ways.items():
            export = found["exports"][kind]
            gap = max(export["largest_difference"].values())
            rows.append((f"`{name}`", way, export["bytes"] / 1e6, gap, *_speed(speed[way])))
        rows.append(
            (f"`{name}`", _way("predictor", figures), None, None, *_speed(speed["predictor"]))
        )
    pictures = next(iter(figures["networks"].values()))["exports"]["litert"]["pictures"]
    versions = ", ".join(f"{name} {found}" for name, found in figures["packages"].items())
    return {
        "table": make_table(columns, rows).markdown(),
        "pictures": pictures,
        "versions": versions,
    }


def _speed(found: dict[str, float]) -> tuple[float, float]:
    return found["milliseconds_at_1"], found["images_per_second_at_64"]


EXPORT_BLOCKS = {
    "exports": Block("exports", "exports.py", exports),
    "mobile": Block("mobile", "mobile.py", mobile),
}
