"""Blocks of docs/your-pictures.md: output of its commands, and results on real data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from documents.quoting import ROOT, Block, Figures, duration, machine, result
from thriftnet.table import Table, make_table

TUTORIAL = (
    "thriftnet inspect stamps",
    "thriftnet train --data stamps --name mine",
    "thriftnet evaluate runs/mine",
    "thriftnet predict runs/mine stamps/naturalforces",
    "thriftnet report runs/mine",
    "thriftnet export runs/mine --to onnx",
)
"""The commands in order."""
_SCRIPT = "your_pictures.py"
_MOST_LINES = 20


def transcript(command: str) -> str:
    """Output of a command of the tutorial, with long parts shortened."""
    path = ROOT / "results" / f"your_pictures_{command.split()[1]}.txt"
    figures = result("your_pictures")
    if figures is None or not path.is_file():
        return f"```\n$ {command}\n```\n\nNot measured yet (`python benchmarks/{_SCRIPT}`)."
    text = shortened(path.read_text("utf-8").rstrip())
    return f"```\n$ {command}\n{text}\n```\n\nOn {machine(figures)}."


def shortened(text: str) -> str:
    """Shorten runs of epochs to the first and last two, and each count of progress to its first."""
    lines, shown, block = _first_counts(text.splitlines()), list[str](), list[str]()

    def begins(line: str) -> str:
        return re.sub(r"\d.*", "", line)[:8] if line.startswith("epoch") else ""

    for line in [*lines, ""]:
        if block and begins(line) != begins(block[0]):
            shown += block if len(block) < 6 else [*block[:2], "...", *block[-2:]]
            block.clear()
        if begins(line):
            block.append(line)
        else:
            shown.append(line)
    shown.pop()
    if len(shown) > 3 * _MOST_LINES:
        shown = [*shown[: 2 * _MOST_LINES], "...", *shown[-_MOST_LINES:]]
    return "\n".join(shown)


def _first_counts(lines: Sequence[str]) -> list[str]:
    """Lines without those that differ from an earlier one only in how far the work is."""
    shown: dict[str, str] = {}
    for number, line in enumerate(lines):
        counting = line.startswith("thriftnet: ")
        shown.setdefault(line.split("  ")[0] if counting else str(number), line)
    return list(shown.values())


def _reached(names: tuple[tuple[str, str], ...]) -> Callable[[Figures], dict[str, Any]]:
    """Make a table over several files; those beside the block's own name their origin, too."""

    def table(figures: Figures) -> dict[str, Any]:
        columns = (
            "pictures", "runs", ("accuracy", ".2%"), ("balanced", ".3f"), ("majority", ".1%"),
            ("parameters", ",d"), ("time per run", duration),
        )  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        others: list[tuple[str, Figures]] = []
        for file, what in names:
            found = result(file)
            if found and found != figures:
                others.append((file, found))
            if found is None:
                rows.append((what, 0, None, None, None, None, None))
                continue
            runs = found["runs"]
            rows.append(
                (
                    what,
                    len(runs),
                    found["accuracy"],
                    found["balanced_accuracy"],
                    found["majority"],
                    max(run["parameters"] for run in runs),
                    max(run["wall_seconds"] for run in runs),
                )
            )
        return {"table": make_table(columns, rows).markdown(), "others": others}

    return table


def _levers(figures: Figures) -> Table:
    """Trainings of one task on held-out training pictures, each beside what it differs from."""
    scores = ("accuracy", ".2%"), *([("balanced", ".3f")] if figures["balanced"] else [])
    columns = ("training", "PFLOP", "images", *scores, "against", "gain, points")
    rows: list[tuple[Any, ...]] = []
    for name, found in figures["levers"].items():
        against = gain = "–"
        if "gain" in found:
            against = found["against"]
            gain = f"{100 * found['gain']:+.2f} ± {100 * found['error']:.2f}"
        balanced = [found["balanced_accuracy"]] if figures["balanced"] else []
        pflop = f"{found['pflop']:.3g}"
        rows.append((name, pflop, found["images"], found["accuracy"], *balanced, against, gain))
    return make_table(columns, rows)


OWN_BLOCKS: dict[str, Callable[[], str]] = {
    f"your-{command.split()[1]}": partial(transcript, command) for command in TUTORIAL
}
OWN_RESULTS: dict[str, Block] = {
    **{
        f"own-levers-{task}": Block(
            f"own_levers_{task.replace('-', '_')}", f"own_levers.py {task}", _levers
        )
        for task in ("fashion-mnist", "solar-cells", "stamps")
    },
    "own-reached": Block(
        "own_fashion_mnist",
        "without_recipe.py fashion-mnist",
        _reached(
            (
                ("own_fashion_mnist", "Fashion-MNIST, 60,000 + 10,000 grey, 10 classes"),
                ("own_solar_cells", "solar cells (ELPV), 2,624 grey, 2 classes, 5 folds"),
                ("own_stamps", "Tux Paint's stamps, 796, 16 folders, 5 folds"),
            )
        ),
    ),
}
