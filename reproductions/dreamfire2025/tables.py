"""The tables of the paper report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reproductions.dreamfire2025.claims import Setting
from reproductions.dreamfire2025.judge import MARKS, Judged, Verdict, runs_of
from reproductions.dreamfire2025.results import Parity, Results, Run, Speed
from thriftnet.comparison.labels import count_seeds
from thriftnet.comparison.statistics import estimate
from thriftnet.recipe import load_recipe
from thriftnet.recipe.keys import flatten
from thriftnet.runtime.machine import machine_name, machine_names
from thriftnet.table import Cell, Table, clock, make_table

_PAPER_RECIPES = ("paper", "paper-sgd", "authors")


def claims_table(judged: Sequence[Judged]) -> Table:
    """Every claim in a line."""
    rows = [
        (one.claim.name, f"{MARKS[one.verdict]} {one.words}", one.paper, one.here, one.claim.where)
        for one in judged
    ]
    return make_table(("claim", "verdict", "the paper", "here", "where"), rows, title="All claims")


def settings_table(settings: Sequence[Setting]) -> Table:
    """The paper's list of settings, whether its final run had them, and what the recipes have."""
    recipes = {name: flatten(load_recipe(name).model_dump(mode="json")) for name in _PAPER_RECIPES}
    rows: list[tuple[str, ...]] = []
    for each in settings:
        had = _used(each, recipes["authors"]) == each.value
        values = [_used(each, keys) for keys in recipes.values()]
        shown = ["–" if value is None else _plain(value) for value in values]
        rows.append((each.name, _verdict("held" if had else "did not hold"), each.says, *shown))
    columns = ("setting", "of the final run", "the paper", *(f"recipe {name}" for name in recipes))
    return make_table(columns, rows, title="Settings, as section 3(b) lists them")


def _verdict(verdict: Verdict) -> str:
    return f"{MARKS[verdict]} {verdict}"


def _used(setting: Setting, keys: dict[str, Any]) -> Any:
    """A recipe's value for a setting; none where it plays no part."""
    key, _, choice = setting.when.partition("=")
    return keys[setting.key] if not key or keys[key] == choice else None


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def runs_table(results: Results) -> Table | None:
    """What each recipe reached and what that cost; none if nothing was trained."""
    names = list(dict.fromkeys(run.recipe for run in results.runs))
    if not names:
        return None
    columns = (
        "recipe", "test accuracy", ("without TTA", ".2%"), "seeds", "parameters",
        ("training PFLOP", ".3g"), "training time",
    )  # fmt: skip
    rows = [_recipe_row(name, runs_of(results, name)) for name in names]
    return make_table(columns, rows, title="Accuracy and what it cost")


def checks_table(results: Results) -> Table | None:
    """How the rebuilding was held against a plain loop; none if it was not."""
    rows: list[tuple[str, Cell, str]] = []
    parity, speed = results.files.get("paper_parity"), results.files.get("paper_speed")
    if isinstance(parity, Parity):
        gap = Cell(f"{parity.largest_difference:.2g}", parity.largest_difference)
        what = f"largest difference of the loss from a plain PyTorch loop's, {parity.steps} steps"
        rows.append((what, gap, "paper_parity.json"))
    if isinstance(speed, Speed):
        for name, whose in (("plain", "the plain loop"), ("ours", "thriftnet")):
            rate = speed.images_per_second[name]
            cell = Cell(f"{rate:.1f}", rate)
            rows.append((f"training images per second, {whose}", cell, "paper_speed.json"))
        times = Cell(f"{speed.ratio:.2f}", speed.ratio)
        rows.append(("thriftnet over the plain loop", times, "paper_speed.json"))
    if not rows:
        return None
    return make_table(("what", "value", "file"), rows, title="The same training, and its speed")


def files_table(results: Results) -> Table | None:
    """Where every figure comes from; none if there is no file."""
    rows = [
        (
            f"{name}.json",
            file.command,
            file.date,
            (file.commit or "–")[:10],
            f"{machine_name(file.machine.model_dump())}, torch {file.machine.torch}",
        )
        for name, file in results.files.items()
    ]
    columns = ("file", "made by", "date", "commit", "machine")
    return make_table(columns, rows, title="Results files", folded=True) if rows else None


def _recipe_row(name: str, runs: list[Run]) -> tuple[object, ...]:
    found = estimate([run.accuracy for run in runs])
    half = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    plain = [run.accuracy_without_tta for run in runs if run.accuracy_without_tta is not None]
    without = sum(plain) / len(plain) if plain else None
    return (
        name,
        Cell(f"{100 * found.mean:.2f}%{half}", found.mean),
        without,
        Cell(count_seeds(len(runs)), len(runs)),
        runs[-1].parameters,
        runs[-1].pflop,
        _time(runs),
    )


def _time(runs: list[Run]) -> Cell:
    """The mean time of a training on each machine: those of different ones have no mean."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.training_seconds is not None:
            facts = run.machine.model_dump() if run.machine else None
            where = " and ".join(machine_names(facts, run.moves)) if facts else ""
            found.setdefault(where, []).append(run.training_seconds)
    means = {where: sum(times) / len(times) for where, times in found.items()}
    told = [f"{clock(mean)}{f' on {where}' if where else ''}" for where, mean in means.items()]
    return Cell("; ".join(told), max(means.values())) if means else Cell("–")
