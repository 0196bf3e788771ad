"""Blocks of docs/accuracy.md: targets, and the paper's own training beside its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accuracy import overrides, recipe_of
from documents.accuracy_table import (
    both_over_seeds,
    mean_pflop,
    of_runs,
    pflop,
    shipped_runs,
    times,
)
from documents.performance_blocks import levers, mean_points
from documents.published import PUBLISHED
from documents.quoting import NOT_MEASURED, Block, Figures, duration
from reproductions.dreamfire2025.authors_log import read_authors_log
from reproductions.dreamfire2025.claims import read_claims
from reproductions.dreamfire2025.judge import show
from thriftnet.comparison.labels import count_seeds
from thriftnet.comparison.sentences import show_p
from thriftnet.comparison.statistics import compare_seeds
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.table import Cell, Table, make_table

_EVERY = 5
"""Epochs between rows of the authors' log."""


@dataclass(frozen=True)
class Target:
    """Target of a recipe with under five million parameters."""

    accuracy: float
    """Mean over seeds, with the recipe's views."""
    pflop: float
    seeds: int


TARGETS = {"strong": Target(0.96, 3.5, 2), "best": Target(0.966, 12.0, 1)}


def targets(figures: Figures) -> Table:
    """Render each target beside the runs of its recipe."""
    columns = (
        "recipe", "target", "seeds", "reached", "without TTA", ("training", pflop), "time",
        "verdict",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, target in TARGETS.items():
        aim = f"{target.accuracy:.1%} in {target.pflop:g} PFLOP, {count_seeds(target.seeds)}"
        runs = shipped_runs(figures, load_recipe(name)) if name in shipped_recipes() else []
        if not runs:
            rows.append((f"`{name}`", aim, 0, NOT_MEASURED, None, None, None, None))
            continue
        mean = sum(run["accuracy"] for run in runs) / len(runs)
        cheap = mean_pflop(runs) <= target.pflop
        enough = mean >= target.accuracy and cheap and len(runs) >= target.seeds
        told = Cell("reached") if enough else Cell("not reached", strong=True)
        accuracies = both_over_seeds(runs)
        rows.append((f"`{name}`", aim, len(runs), *accuracies, mean_pflop(runs), times(runs), told))
    return make_table(columns, rows)


def versions(figures: Figures, name: str = "strong") -> Table:
    """Render versions of a recipe at full length: current, former, and tried."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in figures["runs"]:
        if run["recipe"] == name:
            found.setdefault(run["digest"], []).append(run)
    columns = ("change", "seeds", "test accuracy", "without TTA", ("PFLOP", ".3g"))
    rows: list[tuple[Any, ...]] = []
    for runs in found.values():
        told = ", ".join(f"`{change}`" for change in overrides(recipe_of(runs[0])) or ())
        rows.append((told or "as shipped", len(runs), *both_over_seeds(runs), mean_pflop(runs)))
    return make_table(columns, rows)


def authors_log(figures: Figures) -> dict[str, Any]:
    """Render the authors' log beside our run of `authors`, every few epochs and at the end."""
    runs = shipped_runs(figures, load_recipe("authors"))
    if not runs:
        return {"run": None}
    run, log = runs[0], read_authors_log()
    curve = run["curve"]
    columns = (
        "epoch", ("train loss, theirs", ".4f"), ("ours", ".4f"),
        ("train accuracy, theirs", ".2%"), ("ours", ".2%"), ("test accuracy, theirs", ".2%"),
        "ours",
    )  # fmt: skip
    rows = [
        (
            epoch,
            *(log.train_loss[epoch - 1], curve["train_loss"][epoch - 1]),
            *(log.train_accuracy[epoch - 1], curve["train_accuracy"][epoch - 1]),
            log.test_accuracy[epoch - 1],
            Cell(f"{run['accuracy']:.2%}", strong=True) if epoch == log.epochs else "not evaluated",
        )
        for epoch in [1, *range(_EVERY, log.epochs + 1, _EVERY)]
    ]
    return {
        "table": make_table(columns, rows).markdown(),
        "run": run,
        "log": log,
        "loss": run["readings"][run["tta"]]["loss"],
        "losses_apart": _apart(log.train_loss, curve["train_loss"]),
        "accuracies_apart": _apart(log.train_accuracy, curve["train_accuracy"]),
    }


def _apart(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The largest difference in an epoch."""
    return max(abs(a - b) for a, b in zip(theirs, ours, strict=True))


def paper_fixed(figures: Figures) -> Table:
    """Render the paper's network: as published, as trained by its authors, and corrected."""
    columns = (
        "training", ("epochs", "g"), ("PFLOP", ".3g"), "seeds", "test accuracy", "without TTA",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (f"{peer['name']}: {peer['where']}", read_authors_log().epochs, peer["pflop"], 1,
         f"{peer['accuracy']:.2%}", None)
        for peer in PUBLISHED
        if peer["name"].startswith("the paper")
    ]  # fmt: skip
    for name in ("authors", "paper-fixed"):
        recipe = load_recipe(name)
        runs = shipped_runs(figures, recipe)
        told = (None, 0, NOT_MEASURED, None)
        if runs:
            told = (mean_pflop(runs), len(runs), *both_over_seeds(runs))
        rows.append((f"`{name}`", recipe.train.epochs, *told))
    return make_table(columns, rows)


def optimisers(figures: Figures) -> dict[str, Any]:
    """Render each pair of runs, and the paired test."""
    by_seed: dict[str, dict[int, float]] = {"paper": {}, "paper-sgd": {}}
    for run in figures["runs"]:
        by_seed[run["recipe"]][run["seed"]] = run["accuracy"]
    adamw, sgd = by_seed["paper"], by_seed["paper-sgd"]
    gained = {seed: adamw[seed] - sgd[seed] for seed in sorted(adamw.keys() & sgd.keys())}
    columns = (
        ("seed", "d"), ("AdamW (`paper`)", ".2%"), ("SGD (`paper-sgd`)", ".2%"), "difference",
    )  # fmt: skip
    rows = [(s, adamw[s], sgd[s], mean_points([gain])) for s, gain in gained.items()]
    test = compare_seeds(sgd, adamw)
    (claim,) = (claim for claim in read_claims().every() if claim.rule == "ahead")
    assert claim.claimed is not None
    return {
        "table": make_table(columns, rows).markdown(),
        "ahead": mean_points(list(gained.values())),
        "p": "no test" if test.p is None else f"{test.name}, {show_p(test.p)}",
        "claimed": show(claim, claim.claimed),
        "paper_epochs": read_authors_log().epochs,
    }


def resnet18(figures: Figures) -> dict[str, Any]:
    """Render the seconds per epoch of both networks."""
    columns = ("network", "parameters", ("MACs per image", _millions), ("time per epoch", duration))
    rows = [
        (name, figures["parameters"][name], macs, figures["epoch_seconds"][name])
        for name, macs in figures["macs"].items()
    ]
    return {"table": make_table(columns, rows).markdown()}


def without_twins(figures: Figures) -> Table:
    """Render each shipped network with and without the test images that have a near-duplicate."""
    columns = (
        "network", "TTA", ("all test images", ".2%"), ("near-duplicates", ".2%"),
        ("the others", ".2%"), "95% interval", ("points from near-duplicates", "+.2f"),
    )  # fmt: skip
    rows = [
        (
            f"`{name}`",
            found["tta"],
            found["accuracy"],
            found["accuracy_on_twins"],
            found["accuracy_without_twins"],
            "{:.2%} to {:.2%}".format(*found["without_twins_interval"]),
            found["points_from_twins"],
        )
        for name, found in figures["networks"].items()
    ]
    return make_table(columns, rows)


def _millions(count: int) -> str:
    return f"{count / 1e6:.0f}M"


ACCURACY_BLOCKS = {
    "targets": of_runs(targets),
    "near-duplicates": Block("near_duplicates", "near_duplicates.py"),
    "without-twins": Block("without_twins", "without_twins.py", without_twins),
    "strong-versions": of_runs(versions),
    "strong-levers": Block("ablation_strong", "ablate.py strong --seeds 0 1 2", levers, "levers"),
    "best-levers": Block("ablation_best", "ablate.py best --seeds 0", levers, "levers"),
    "paper-fixed": of_runs(paper_fixed),
    "authors-log": of_runs(authors_log),
    "optimisers": Block("paper_sgd_against_adamw", "paper_sgd_against_adamw.py", optimisers),
    "resnet18": Block("paper_against_resnet18", "paper_against_resnet18.py", resnet18),
}
