"""Blocks of docs/performance.md, each from its file of results/."""

from __future__ import annotations

import statistics
from typing import Any

from documents.quoting import ROOT, Block, Figures, duration, seconds, spread
from thriftnet.comparison.statistics import compare_seeds, estimate, holm
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.table import make_table

_HELD_OUT = 5_000
"""Validation images of ablations whose entry does not record them."""
_FIGURE = "docs/figures/cost_growth.svg"


def peer_rows(figures: Figures) -> dict[str, Any]:
    """Render all runs of both sides, their means, and the ratio of wall times."""
    columns = (
        "script", ("seed", "d"), ("test accuracy", ".2%"), ("without TTA", ".2%"),
        ("wall time", seconds(0)),
    )  # fmt: skip
    sides = [("peer", figures["peer"]), (f"`{figures['recipe']}`", figures["ours"])]
    sides[1:1] = [("peer, micro-batches of 250", figures.get("peer_in_250", []))]
    keys = ("seed", "accuracy", "accuracy_without_tta", "wall_seconds")
    rows = [(who, *map(run.get, keys)) for who, runs in sides for run in runs]
    return {"table": make_table(columns, rows).markdown()}


def peer_medians(figures: Figures) -> dict[str, Any]:
    """Render the median wall times for the README."""
    return {
        who: statistics.median(run["wall_seconds"] for run in figures[side])
        for who, side in (("took", "ours"), ("needed", "peer"))
    }


def levers(figures: Figures) -> dict[str, Any]:
    """Render single changes vs. base on validation images with the same seeds."""
    variants = figures["variants"]
    base = {run["seed"]: run["accuracy"] for run in variants["base"]["runs"]}
    corrected = _corrected(base, variants)
    columns = [
        "variant", "changed", "seeds", "validation accuracy", "vs. base", ("p, by Holm", ".2g"),
        ("PFLOP", ".3f"), ("time", duration),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for name, entry in variants.items():
        runs = entry["runs"]
        gained = [run["accuracy"] - base[run["seed"]] for run in runs if run["seed"] in base]
        rows.append(
            [
                name,
                ", ".join(f"`{each}`" for each in entry["overrides"]) or None,
                len(runs),
                spread([run["accuracy"] for run in runs]),
                mean_points(gained) if gained and name != "base" else None,
                corrected.get(name),
                statistics.mean(run["pflop"] for run in runs),
                statistics.mean(run["seconds"] for run in runs),
            ]
        )
    if not corrected:
        for row in (columns, *rows):
            del row[5]
    images = variants["base"]["runs"][0].get("images", _HELD_OUT)
    low, high = wilson_interval(round(statistics.mean(base.values()) * images), images)
    return {
        "table": make_table(columns, rows).markdown(),
        "corrected": bool(corrected),
        "images": images,
        "half_width": 50 * (high - low),
    }


def _corrected(base: dict[int, float], variants: dict[str, Any]) -> dict[str, float]:
    """Holm-corrected p values of variants that share several seeds with base; paired t tests."""
    found: dict[str, float] = {}
    for name, entry in variants.items():
        runs = {r["seed"]: r["accuracy"] for r in entry["runs"] if r["seed"] in base}
        if name == "base" or len(runs) < 2:
            continue
        test = compare_seeds({seed: base[seed] for seed in runs}, runs)
        if test.p is not None:
            found[name] = test.p
    return dict(zip(found, holm(list(found.values())), strict=True))


def mean_points(differences: list[float]) -> str:
    """Format the mean difference of shares and, of several, half of its 95% interval (t)."""
    found = estimate(differences)
    half = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    return f"{100 * found.mean:+.2f}{half} points"


def busy_machine(figures: Figures) -> dict[str, Any]:
    """Render images per second alone and under load, of this version and an earlier one."""
    names = {
        "alone": "alone",
        "beside_a_busy_process": "with a process that keeps one core busy",
        "beside_another_training": "with another training; the slower of both",
    }
    columns = ("two threads", ("images per second", ".0f"), ("relative to alone", ".2f"),
               ("earlier version", ".0f"), ("relative to alone", ".2f"))  # fmt: skip
    rows = [
        (text, *(figures[side][key].get(name) for side in ("this", "against")
                 for key in ("images_per_second", "share_of_alone")))
        for name, text in names.items()
    ]  # fmt: skip
    return {
        "table": make_table(columns, rows).markdown(),
        "rounds": len(figures["this"]["rounds"]),
    }


def paper_speed(figures: Figures) -> dict[str, Any]:
    """Render images per second of a plain loop and of the recipe."""
    rates = figures["images_per_second"]
    rows = [
        ("plain fp32 PyTorch, two DataLoader workers", rates["plain"]),
        ("recipe `paper`", rates["ours"]),
    ]
    return {"table": make_table(("loop", ("images/s", ".1f")), rows).markdown()}


def inference(figures: Figures) -> dict[str, Any]:
    """Render all methods of inference."""
    variants = figures["variants"]
    base = variants[figures["baseline"]]["batch_256"]["images_per_second"]
    columns = (
        "variant", "batch 1: median, p95", "batch 256: median, p95", ("images/s", ".0f"),
        ("vs. eager", ".2f"), ("largest difference", ".1e"), ("same predictions", ".2%"),
        ("validation accuracy", ".2%"), ("first call at 256", seconds(1)),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, found in variants.items():
        one, many = found["batch_1"], found["batch_256"]
        rows.append(
            (
                name,
                f"{one['latency_ms']:.2f}, {one['latency_p95_ms']:.2f} ms",
                f"{many['latency_ms']:.0f}, {many['latency_p95_ms']:.0f} ms",
                many["images_per_second"],
                many["images_per_second"] / base,
                found["largest_difference"],
                found["equal_top1"],
                found["validation_accuracy"],
                many["first_call_seconds"],
            )
        )
    return {"table": make_table(columns, rows).markdown()}


def growth(figures: Figures) -> dict[str, Any]:
    """Render the figure and a table of all points."""
    assert (ROOT / _FIGURE).exists()
    columns = (
        "varied", "images", "parameters", ("threads", "d"), ("batch", "d"), ("micro-batch", "d"),
        "time", ("images/s", ".0f"), ("GFLOP/s", ".0f"), ("peak memory", _gibibytes),
    )  # fmt: skip
    rows = [
        (
            axis.replace("_", " "),
            *(point[key] for key in ("images", "parameters", "threads", "batch_size")),
            point["micro_batch"],
            _seconds(point),
            *(point[key] for key in ("images_per_second", "gflops", "peak_memory_bytes")),
        )
        for axis in ("images", "parameters", "threads", "batch_size", "micro_batch")
        for point in figures[axis]
    ]
    figure = _FIGURE.removeprefix("docs/")
    return {"table": make_table(columns, rows).markdown(), "figure": figure}


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"


def _seconds(point: dict[str, Any]) -> str:
    """Format the median and, of several rounds, the range."""
    times = point.get("every_time_seconds", [])
    spread = f" ({min(times):.1f} to {max(times):.1f})" if len(times) > 1 else ""
    return f"{point['seconds']:.1f} s{spread}"


PERFORMANCE_BLOCKS = {
    "against-peer": Block("against_peer", "against_peer.py --peer DIR", peer_rows),
    "beside-peer": Block("against_peer", "against_peer.py --peer DIR", peer_medians),
    "levers": Block("ablation_quick", "ablate.py quick", levers),
    "paper-speed": Block("paper_speed", "paper_speed.py", paper_speed),
    "busy-machine": Block("busy_machine", "busy_machine.py --against CHECKOUT", busy_machine),
    "inference": Block("inference_quick", "inference.py RUN", inference),
    "growth": Block("cost_growth", "cost_growth.py", growth),
}
