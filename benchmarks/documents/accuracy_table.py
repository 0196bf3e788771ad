"""The table of results/accuracy.json: the recipes as they are shipped beside published results.

What a recipe costs that was not trained yet is expected from results/recipe_speed.json.
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
"""Expected seconds from which a recipe's training says something about other long trainings."""
_SHARED = {"1c7764d46a807bd3c5d53cbbb961618be402e5d3"}
"""Commits whose runs in results/accuracy.json shared their GPU with each other."""


def of_runs(content: Content) -> Block:
    """A block of trained runs; each names its own machine."""
    return Block("accuracy", "accuracy.py runs/*", content, machine=False)


def shipped_runs(figures: Figures, recipe: Recipe) -> list[dict[str, Any]]:
    """The runs of a recipe as it is now, one a seed: of two, the later entry."""
    runs = [r for r in figures["runs"] if r["recipe"] == recipe.name]
    return list({r["seed"]: r for r in runs if r["digest"] == recipe.digest()}.values())


def over_seeds(runs: list[dict[str, Any]], key: str) -> str:
    """Mean and half of its 95% interval (t) over seeds."""
    found = estimate([run[key] for run in runs])
    spread = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    return f"{found.mean:.2%}{spread}"


def both_over_seeds(runs: list[dict[str, Any]]) -> tuple[str, str]:
    """The accuracy, and that without test-time augmentation."""
    return over_seeds(runs, "accuracy"), over_seeds(runs, "accuracy_without_tta")


def mean_pflop(runs: list[dict[str, Any]]) -> float:
    """Operations of a training."""
    return statistics.mean(run["pflop"] for run in runs)


def pflop(value: float) -> str:
    """Operations with their unit."""
    return f"{value:.3g} PFLOP"


def times(runs: list[dict[str, Any]]) -> str:
    """What a training takes, by what it was trained on."""
    found: dict[str, list[float]] = {}
    for run in runs:
        where = where_trained(run)
        if run.get("commit") in _SHARED:
            where += ", shared with other trainings"
        found.setdefault(where, []).append(run["training_seconds"])
    return "; ".join(f"{duration(statistics.mean(found[on]))} on {on}" for on in sorted(found))


def accuracy(figures: Figures) -> dict[str, Any]:
    """Every shipped recipe, as it was trained or is expected to, then what others published."""
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
    """Seconds of whole trainings over those expected from short ones, a ratio per recipe.

    Short measurements miss evaluation, checkpoints and what changes over an hour. Only recipes that
    take long count, since expected times are given for such recipes.
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
    accuracies = both_over_seeds(runs)
    return _strong(name), len(runs), *accuracies, runs[0]["parameters"], mean_pflop(runs), time


def _on(speeds: dict[str, Any]) -> str:
    return machine_name(with_amx(speeds["machine"]))


def _expected_row(name: str, costs: dict[str, Any] | None) -> tuple[Any, ...]:
    """A recipe that was not trained yet; dashes where its speed was not measured either."""
    told = (costs["parameters"], costs["pflop"], _expected(costs)) if costs else (None, None, None)
    return _strong(name), 0, NOT_MEASURED, None, *told


def _strong(name: str) -> Cell:
    return Cell(f"`{name}`", strong=True)


def _expected(costs: dict[str, Any]) -> str:
    return f"≈ {duration(costs['expected_seconds'])} expected"


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.2f}M"


ACCURACY_TABLE = {"accuracy": of_runs(accuracy)}
