"""The table of results/accuracy.json: the recipes as they are shipped beside published results.

What a recipe costs that was not trained yet is expected from results/recipe_speed.json.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from documents.quoting import duration, result
from thriftnet.comparison.statistics import estimate
from thriftnet.recipe import Recipe, load_recipe, shipped_recipes
from thriftnet.runtime.machine import machine_name, machine_names


def shipped_runs(figures: dict[str, Any], recipe: Recipe) -> list[dict[str, Any]]:
    """The runs of a recipe as it is now, one a seed: of two, the later entry."""
    runs = [r for r in figures["runs"] if r["recipe"] == recipe.name]
    return list({r["seed"]: r for r in runs if r["digest"] == recipe.digest()}.values())


def over_seeds(runs: list[dict[str, Any]], key: str) -> str:
    """Mean and half of its 95% interval (t) over seeds."""
    found = estimate([run[key] for run in runs])
    spread = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    return f"{found.mean:.2%}{spread}"


def times(runs: list[dict[str, Any]]) -> str:
    """What a training takes, by what it was trained on."""
    found: dict[str, list[float]] = {}
    for run in runs:
        where = machine_names(run["machine"], run.get("moves", ()))  # old entries have none
        found.setdefault(" and ".join(where), []).append(run["training_seconds"])
    return "; ".join(f"{duration(statistics.mean(found[on]))} on {on}" for on in sorted(found))


def of_runs(block: Callable[[dict[str, Any]], list[str]]) -> str:
    """A block of trained runs with its origin, or what to run where there are none yet.

    The machines are told run by run: where the file was put together says nothing.
    """
    command = "`python benchmarks/accuracy.py runs/*`"
    figures = result("accuracy")
    if figures is None:
        return f"Not measured yet ({command})."
    return "\n".join([*block(figures), "", f"`results/accuracy.json`, by {command}."])


def accuracy_lines(figures: dict[str, Any]) -> list[str]:
    """Every shipped recipe, as it was trained or is expected to, then what others published."""
    rows = [
        "| network | seeds | test accuracy | without TTA | parameters | training | time |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    trained = {n: shipped_runs(figures, load_recipe(n)) for n in shipped_recipes()}
    lacking = [name for name, runs in trained.items() if not runs]
    rows += [_row(name, runs) for name, runs in trained.items() if runs]
    rows += [_expected_row(name) for name in lacking]
    for peer in figures["published"]:
        pflop = "–" if peer["pflop"] is None else f"{peer['pflop']:.3g} PFLOP"
        rows.append(
            f"| [{peer['name']}]({peer['source']}): {peer['where']} | | {peer['accuracy']:.2%} | – "
            f"| {_millions(peer['parameters'])} | {pflop} | {peer['time'] or '–'} |"
        )
    lines = [*rows, "", "± is half of the 95% interval of the mean over seeds, in points."]
    changed = sum("+" in (run["commit"] or "+") for run in figures["runs"])
    if changed:
        lines.append(f"{changed} of all runs were trained from code of no commit.")
    speeds = result("recipe_speed")
    if lacking and speeds:
        where = machine_name(speeds["machine"])
        lines.append(f"Expected times are of {where} (`results/recipe_speed.json`).")
    others = len(figures["runs"]) - sum(map(len, trained.values()))
    if others:
        lines.append(
            f"{others} further run{'s' if others > 1 else ''}, of other settings or earlier "
            "versions, stand in the file."
        )
    return [*lines, "Linked figures are what others have published."]


def _row(name: str, runs: list[dict[str, Any]]) -> str:
    return (
        f"| **`{name}`** | {len(runs)} | {over_seeds(runs, 'accuracy')} | "
        f"{over_seeds(runs, 'accuracy_without_tta')} | {_millions(runs[0]['parameters'])} | "
        f"{statistics.mean(run['pflop'] for run in runs):.3g} PFLOP | "
        f"{times(runs)}{_without_accelerator(name, runs)} |"
    )


def _without_accelerator(name: str, runs: list[dict[str, Any]]) -> str:
    """What a training is expected to take without one, if all runs had one."""
    speeds = result("recipe_speed") or {"recipes": {}}
    costs = speeds["recipes"].get(name)
    if not costs or not all(run["machine"].get("accelerator") for run in runs):
        return ""
    return (
        f"; ≈ {duration(costs['expected_seconds'])} expected on {machine_name(speeds['machine'])}"
    )


def _expected_row(name: str) -> str:
    """A recipe that was not trained yet; dashes where its speed was not measured either."""
    costs = (result("recipe_speed") or {"recipes": {}})["recipes"].get(name)
    told = "– | – | –"
    if costs:
        time = f"≈ {duration(costs['expected_seconds'])} expected"
        told = f"{_millions(costs['parameters'])} | {costs['pflop']:.3g} PFLOP | {time}"
    return f"| **`{name}`** | 0 | not measured yet | – | {told} |"


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.2f}M"
