"""What does `thriftnet train --data PATH` reach on real pictures, with no recipe?

    python benchmarks/without_recipe.py fashion-mnist    # 1 run of 10 minutes
    python benchmarks/without_recipe.py solar-cells      # 5 folds of up to 8 minutes
    python benchmarks/without_recipe.py stamps           # 5 folds of up to 5 minutes

Fetches the data with the package's own client (apt-get or pip; nothing is installed) unless it lies
in --folder already, and trains as a user would, by the command line, without a recipe. Every choice
is made on training pictures; each test split is evaluated once. Run again, it goes on with what is
missing. Writes results/own_fashion_mnist.json, own_solar_cells.json or own_stamps.json; the head of
the report on Fashion-MNIST is docs/figures/report.png.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.package_data import (
    fashion_mnist,
    solar_cell_labels,
    solar_cells,
    stamp_labels,
    stamps,
    write_folds,
)
from support.record import RESULTS, write_result
from support.report_picture import draw
from thriftnet.evaluation.evaluate import evaluate
from thriftnet.runs.contention import mean_contention
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line

LARGER_STAMPS = 12
"""Folders of Tux Paint's stamps that have enough pictures for a figure of their own."""


@dataclass(frozen=True)
class Task:
    """A data set and how it is trained on."""

    fetch: Callable[[Path], Path]
    time_budget: str
    tables: Callable[[Path], list[Path]]
    """What `--data` names, one for each run."""
    larger: int | None = None
    """How many of the largest classes the balanced accuracy is over; none: all."""


TASKS = {
    "fashion-mnist": Task(fashion_mnist, "10m", lambda root: [root]),
    "solar-cells": Task(
        solar_cells, "8m", lambda root: write_folds(root, solar_cell_labels(root), count=5)
    ),
    "stamps": Task(
        stamps, "5m", lambda root: write_folds(root, stamp_labels(root), count=5), LARGER_STAMPS
    ),
}


def measure(data: Path, run: RunFolder, options: list[str]) -> dict[str, Any]:
    """Train on `data` unless that is done, and evaluate."""
    told = run.path.with_name(f"{run.name}.json")
    if not told.is_file():
        shutil.rmtree(run.path, ignore_errors=True)  # it was cut
        words = ["train", "--data", str(data), "--name", run.name, "--runs-dir"]
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "thriftnet", *words, str(run.path.parent), *options], check=True
        )
        told.write_text(json.dumps({"wall_seconds": time.monotonic() - began}))
    lines, found = run.metrics(), evaluate(run.path, say=lambda _: None)
    end, start = last_line(lines, "end"), last_line(lines, "start")
    assert end
    assert start
    chosen = found.chosen
    return {
        **json.loads(told.read_text()),
        "test_images": chosen.images,
        "accuracy": chosen.accuracy,
        "accuracy_interval": chosen.accuracy_interval,
        "accuracy_without_tta": found.results[1].accuracy,
        "parameters": found.parameters,
        "train_images": start["train_images"],
        "pflop": end["pflop"],
        "cpu_contention": mean_contention(line for line in lines if line["kind"] == "epoch"),
        "confusion": dict(zip(chosen.per_class, chosen.confusion, strict=True)),
        **{key: run.environment()[key] for key in ("chosen", "tried", "commit")},
    }


def pooled(runs: list[dict[str, Any]], larger: int | None) -> dict[str, Any]:
    """Figures over all test images; classes by name, as each run lists them in the same order."""
    names = list(runs[0]["confusion"])
    rows = {name: [0] * len(names) for name in names}
    for run in runs:
        assert list(run["confusion"]) == names
        for name, row in run["confusion"].items():
            rows[name] = [a + b for a, b in zip(rows[name], row, strict=True)]
    totals = {name: sum(row) for name, row in rows.items()}
    recall = {name: rows[name][at] / totals[name] for at, name in enumerate(names)}
    counted = sorted(names, key=lambda name: -totals[name])[: larger or len(names)]
    return {
        "test_images": sum(totals.values()),
        "accuracy": sum(row[at] for at, row in enumerate(rows.values())) / sum(totals.values()),
        "balanced_accuracy": sum(map(recall.__getitem__, counted)) / len(counted),
        "balanced_over": counted,
        "recall": recall,
        "majority": max(totals.values()) / sum(totals.values()),
    }


def main() -> None:
    """Fetch, train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--folder", type=Path, default=Path("runs/packages"))
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/own"))
    parser.add_argument("--time-budget")
    parser.add_argument("--flops-budget", help="in place of a time budget")
    parser.add_argument("--folds", type=int, help="only so many")
    given = parser.parse_args()
    task = TASKS[given.task]
    budget = given.time_budget or task.time_budget
    options = ["--time-budget", budget]
    if given.flops_budget:
        options = ["--flops-budget", given.flops_budget]
    tables = task.tables(task.fetch(given.folder))[: given.folds]
    runs = [
        measure(table, RunFolder(given.runs_dir / f"{given.task}-{number}"), options)
        for number, table in enumerate(tables)
    ]
    if given.task == "fashion-mnist":
        draw(given.runs_dir / f"{given.task}-0", RESULTS.parent / "docs/figures/report.png")
    name = f"own_{given.task.replace('-', '_')}"
    write_result(name, {"budget": options[1], **pooled(runs, task.larger), "runs": runs})


if __name__ == "__main__":
    main()
