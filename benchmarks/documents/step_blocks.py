"""Blocks of docs/performance.md about a training step, each from its file of results/."""

from __future__ import annotations

import statistics
from typing import Any

from documents.quoting import Block, Figures, result, seconds
from thriftnet.table import Cell, make_table


def step_levers(figures: Figures) -> dict[str, Any]:
    """Render the effect of each lever on the time per step, with its bases before and after."""
    columns = (
        "changed", ("step", seconds(2)), "vs. base: median, range", ("first step", seconds(1)),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, found in figures["variants"].items():
        if "failed" in found:
            rows.append((name, None, Cell(found["failed"], strong=True), None))
            continue
        ratios = found["every_ratio"]
        beside = f"{found['beside_base']:.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
        rows.append((name, found["step_seconds"], beside, found["first_step_seconds"]))
    return {"table": make_table(columns, rows).markdown()}


def muon_precision(figures: Figures) -> dict[str, Any]:
    """Render the time of a step by the precision of Muon's iteration."""
    columns = ("batch size", ("in bf16", seconds(2)), ("in fp32", seconds(2)))
    rows = [(each["batch_size"], *map(each["seconds"].get, ("bf16", "fp32")))
            for each in figures["steps"]]  # fmt: skip
    return {"table": make_table(columns, rows).markdown()}


def launches(figures: Figures) -> dict[str, Any]:
    """Render what a step launches on an accelerator, and how often it waits."""
    parts = ("augmentation", "passes", "update")
    columns = ("recipe", "augmentation", "forward and backward", "update", "copies to the device",
               "waits")  # fmt: skip
    rows = [(f"`{each['recipe']}`", *map(each["launches"].get, parts), each["copies"],
             each["waits"]) for each in figures["recipes"]]  # fmt: skip
    return {"table": make_table(columns, rows).markdown()}


def winograd_layers(figures: Figures) -> dict[str, Any]:
    """Render the rates of convolutions by PyTorch's way and ours, counted by the definition."""
    columns = ("channels", "grid", ("forward", ".0f"), ("Winograd", ".0f"), ("gradients", ".0f"),
               ("Winograd", ".0f"), ("speed-up", ".2f"),
               ("error", ".0e"), ("Winograd", ".0e"))  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for each in figures["layers"]:
        work = (each["forward_flop"] / 1e9, 2 * each["forward_flop"] / 1e9)
        before, after = (each["seconds"][way] for way in ("pytorch", "winograd"))
        rates = (w / s for i, w in enumerate(work) for s in (before[i], after[i]))
        channels, grid = "→".join(map(str, each["channels"])), each["grid"]
        channels += "" if each["taken"] else ", not taken"
        errors = (each["error"][way] for way in ("pytorch", "winograd"))
        faster = sum(before) / sum(after)
        rows.append((channels, f"{grid}×{grid}", *rates, faster, *errors))
    return {"table": make_table(columns, rows).markdown()}


def winograd_steps(figures: Figures) -> dict[str, Any]:
    """Render the time of a step and of inference by PyTorch's operators and by ours."""
    names = {"pytorch": "PyTorch", "winograd": "Winograd", "fused": "and fused"}
    ways = {way: name for way, name in names.items() if way in figures["steps"][0]["seconds"]}
    columns = ("workload", "images", *((name, seconds(2)) for name in ways.values()),
               ("speed-up", ".2f"))  # fmt: skip
    timed = [(f"a step of `{each['recipe']}`", each["batch_size"], each["seconds"])
             for each in figures["steps"]]  # fmt: skip
    timed += [(f"inference by `{each['network']}`", each["images"], each["seconds"])
              for each in figures["inference"]]  # fmt: skip
    rows = [(what, images, *map(taken.get, ways), taken["pytorch"] / taken[list(ways)[-1]])
            for what, images, taken in timed]  # fmt: skip
    return {"table": make_table(columns, rows).markdown()}


def profile(figures: Figures) -> dict[str, Any]:
    """Render shares by kind, convolutions by layer, and the share of the machine's peak."""
    kinds = make_table(("kind", ("share of a step", ".1%")), figures["profile"]["share"].items())
    keys = ("layer", "direction", "gflop_per_step", "milliseconds_per_step", "gflops")
    convolutions = make_table(
        ("convolution", "direction", ("GFLOP per step", ".1f"), ("ms per step", ".1f"),
         ("GFLOP/s", ".0f")),
        [[row[key] for key in keys] for row in figures["profile"]["convolutions"]],
    )  # fmt: skip
    implementations = make_table(
        ("oneDNN implementation", "work", ("calls", "d"), ("ms", ".1f")),
        [
            (f"`{row['name']}`", f"{row['primitive']}, {row['direction']}", row["calls"],
             row["milliseconds"])
            for row in figures["onednn"]["implementations"]
            if row["primitive"] == "convolution"
        ],
    )  # fmt: skip
    tables = (kinds, convolutions, implementations)
    return {
        "tables": "\n\n".join(table.markdown() for table in tables),
        "trained": _whole_training(figures),
    }


def _whole_training(profile: Figures) -> dict[str, float | None] | None:
    """Rate over whole trainings of the current recipe, if there are any."""
    trained = result(f"train_{profile['recipe']}")
    if trained is None or trained["digest"] != profile["digest"]:
        return None
    runs = trained["runs"]
    found = statistics.mean(run["pflop"] * 1e6 / run["training_seconds"] for run in runs)
    # Rates of another hour are not comparable: the machine's speed varies.
    rates = [run.get("convolution_rate_gflops") for run in runs]
    return {"rate": found, "share": None if None in rates else found / statistics.mean(rates)}


STEP_BLOCKS = {
    "step-levers": Block("step_levers_quick", "step_levers.py quick", step_levers),
    "muon-precision": Block("muon_precision", "muon_precision.py", muon_precision),
    "launches": Block("launches", "launches.py", launches),
    "winograd-layers": Block("winograd", "winograd.py", winograd_layers),
    "winograd-steps": Block("winograd", "winograd.py", winograd_steps),
    "profile": Block("profile_quick", "profile_layers.py quick", profile),
}
