"""The table of results/accuracy.json: the shipped recipes beside published results.

The cost of recipes that were not trained yet is extrapolated from results/recipe_speed.json.
"""

from __future__ import annotations

import statistics
from typing import Any

from documents.published import PUBLISHED
from documents.quoting import (
    NOT_MEASURED,
    Block,
    Content,
    Figures,
    duration,
    result,
    where_trained,
    with_amx,
)
from thriftnet.comparison.statistics import estimate
from thriftnet.recipe import Recipe, load_recipe, shipped_recipes
from thriftnet.runtime.machine import machine_name
from thriftnet.table import Cell, make_table

_LONG = 1800
"""Expected seconds from which a training is used to extrapolate to other long trainings."""
_SHARED = {"1c7764d46a807bd3c5d53cbbb961618be402e5d3"}
"""Commits whose runs in results/accuracy.json shared a GPU."""


def of_runs(content: Content) -> Block:
    """Make a block of trained runs; each names its machine."""
    return Block("accuracy", "accuracy.py runs/*", content, machine=False)


def shipped_runs(figures: Figures, recipe: Recipe) -> list[dict[str, Any]]:
    """The runs of the current recipe, one per seed: the latest entry."""
    runs = [r for r in figures["runs"] if r["recipe"] == recipe.name]
    return list({r["seed"]: r for r in runs if r["digest"] == recipe.digest()}.values())


def over_seeds(runs: list[dict[str, Any]], key: str) -> str:
    """Mean and half of its 95% interval (t) over seeds."""
    found = estimate([run[key] for run in runs])
    spread = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    return f"{found.mean:.2%}{spread}"


def both_over_seeds(runs: list[dict[str, Any]]) -> tuple[str, str]:
    """Accuracy with and without test-time augmentation."""
    return over_seeds(runs, "accuracy"), over_seeds(runs, "accuracy_without_tta")


def mean_pflop(runs: list[dict[str, Any]]) -> float:
    """Mean operations of a training."""
    return statistics.mean(run["pflop"] for run in runs)


def pflop(value: float) -> str:
    """Format operations with their unit."""
    return f"{value:.3g} PFLOP"


def times(runs: list[dict[str, Any]]) -> str:
    """Training times, by hardware."""
    found: dict[str, list[float]] = {}
    for run in runs:
        where = where_trained(run)
        if run.get("commit") in _SHARED:
            where += ", shared with other trainings"
        found.setdefault(where, []).append(run["training_seconds"])
    return "; ".join(f"{duration(statistics.mean(found[on]))} on {on}" for on in sorted(found))


def accuracy(figures: Figures) -> dict[str, Any]:
    """Render all shipped recipes, measured or extrapolated, then published results."""
    trained = {n: shipped_runs(figures, load_recipe(n)) for n in shipped_recipes()}
    speeds = result("recipe_speed") or {"recipes": {}, "machine": None}
    ratios = _whole_over_expected(trained, speeds)
    for costs in speeds["recipes"].values():
        costs["expected_seconds"] *= statistics.median(ratios or [1])
    lacking = [name for name, runs in trained.items() if not runs]
    rows = [_row(name, runs, speeds) for name, runs in trained.items() if runs]
    rows += [_expected_row(name, speeds["recipes"].get(name)) for name in lacking]
    rows += [
        (
            f"[{peer['name']}]({peer['source']}): {peer['where']}",
            "",
            f"{peer['accuracy']:.2%}",
            *(None, peer["parameters"], peer["pflop"], peer["time"]),
        )
        for peer in PUBLISHED
    ]
    columns = (
        "network", "seeds", "test accuracy", "without TTA", ("parameters", _millions),
        ("training", pflop), "time",
    )  # fmt: skip
    return {
        "table": make_table(columns, rows).markdown(),
        "changed": sum("+" in (run["commit"] or "+") for run in figures["runs"]),
        "expected_on": _on(speeds) if lacking and speeds["machine"] else "",
        "ratio": statistics.median(ratios or [1]),
        "ratios": len(ratios),
        "others": len(figures["runs"]) - sum(map(len, trained.values())),
    }


def _whole_over_expected(
    trained: dict[str, list[dict[str, Any]]], speeds: dict[str, Any]
) -> list[float]:
    """Ratio of measured to extrapolated training times, per recipe.

    Short measurements miss evaluation, checkpoints and drift. Only long recipes count, as times are
    extrapolated only for these.
    """
    machine = speeds["machine"] and _on(speeds)
    ratios: list[float] = []
    for name, runs in trained.items():
        seconds = [run["training_seconds"] for run in runs if where_trained(run) == machine]
        expected = speeds["recipes"].get(name, {}).get("expected_seconds")
        if seconds and expected and expected > _LONG:
            ratios.append(statistics.mean(seconds) / expected)
    return ratios


def _row(name: str, runs: list[dict[str, Any]], speeds: dict[str, Any]) -> tuple[Any, ...]:
    time, costs = times(runs), speeds["recipes"].get(name)
    if costs and all(run["machine"].get("accelerator") for run in runs):
        time += f"; {_expected(costs)} on {_on(speeds)}"
    accuracies, spent = both_over_seeds(runs), mean_pflop(runs)
    start = load_recipe(name).init.weights
    training = Cell(f"{pflop(spent)} after `{start}`", spent) if start else spent
    return _strong(name), len(runs), *accuracies, runs[0]["parameters"], training, time


def _on(speeds: dict[str, Any]) -> str:
    return machine_name(with_amx(speeds["machine"]))


def _expected_row(name: str, costs: dict[str, Any] | None) -> tuple[Any, ...]:
    """Row of a recipe that was not trained yet; dashes if its speed was not measured either."""
    told = (costs["parameters"], costs["pflop"], _expected(costs)) if costs else (None, None, None)
    return _strong(name), 0, NOT_MEASURED, None, *told


def _strong(name: str) -> Cell:
    return Cell(f"`{name}`", strong=True)


def _expected(costs: dict[str, Any]) -> str:
    return f"≈ {duration(costs['expected_seconds'])} expected"


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.2f}M"


ACCURACY_TABLE = {"accuracy": of_runs(accuracy)}
