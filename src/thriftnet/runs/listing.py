"""Lists the runs in a folder with their state and metrics.

A thousand runs should list instantly: nothing here imports torch, most epoch lines are skipped, and
a YAML section that many runs share is parsed once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from thriftnet.digests import open_yaml
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.files import read_bounded
from thriftnet.recipe import Recipe
from thriftnet.recipe.load import is_whole
from thriftnet.recipe.plain_yaml import read_yaml
from thriftnet.recipe.yaml_bounds import MOST_CHARACTERS
from thriftnet.runs.evaluations import latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.state import run_state
from thriftnet.trust import refuse_links

USUAL_COLUMNS = (
    "name",
    "state",
    "recipe",
    "seed",
    "epoch",
    "accuracy",
    "parameters",
    "seconds",
    "started",
)
"""Default columns."""

COLUMNS = (
    *USUAL_COLUMNS,
    "macs",
    "pflop",
    "top5",
    "loss",
    "calibration_error",
    "balanced_accuracy",
    "val_accuracy",
    "evaluations",
    "digest",
    "path",
    "problem",
)
"""All columns; any recipe key is one, too."""

Value = str | int | float | bool | list[Any] | None


@dataclass(frozen=True)
class ListedRun:
    """One row of the list."""

    facts: Mapping[str, Value]
    """A value for each of COLUMNS; None if unknown. Times in seconds."""
    recipe: Recipe | None
    """None if the run is damaged."""

    def value(self, column: str) -> Value:
        """The value of a column or a dotted recipe key; None if there is none."""
        if column == "digest":  # on demand: takes longer than the rest
            return self.recipe.digest() if self.recipe else None
        if column in self.facts:
            return self.facts[column]
        node: Any = self.recipe
        for part in column.split("."):
            node = getattr(node, part, None)
        return list(cast("tuple[Any, ...]", node)) if isinstance(node, tuple) else node

    def to_json(self, columns: tuple[str, ...] = COLUMNS) -> dict[str, Value]:
        """JSON values of some columns."""
        return {column: self.value(column) for column in columns}


def list_runs(folder: Path) -> list[ListedRun]:
    """Every run in a folder, oldest first, including damaged ones.

    Raises:
        RunError: There is no such folder, or it is a run itself.
    """
    return sorted(
        (read_run(run) for run in find_runs(folder)),
        key=lambda run: (str(run.value("started") or ""), str(run.value("name"))),
    )


def find_runs(folder: Path) -> list[RunFolder]:
    """The run folders in a folder, by name; other folders are ignored.

    Raises:
        RunError: There is no such folder, or it is a run itself.
    """
    if not folder.is_dir():
        raise RunError(
            f"there is no folder {folder}; train a first run with thriftnet train, "
            "or give another folder with --runs-dir"
        )
    if RunFolder(folder).recipe_path.is_file():
        raise RunError(f"{folder} is a run; give its parent folder with --runs-dir")
    try:
        inner = (path for path in folder.iterdir() if not path.name.startswith("."))
        paths = sorted(path for path in inner if path.is_dir())
    except OSError as fault:
        raise RunError(
            f"{folder} cannot be read: {fault.strerror}; check the path and its permissions"
        ) from None
    return [run for run in map(RunFolder, paths) if _is_run(run)]


def _is_run(run: RunFolder) -> bool:
    """Whether a folder has any file that only runs have."""
    marks = (run.recipe_path, run.metrics_path, run.model_path)
    return run.saved.exist or any(path.is_file() for path in marks)


def read_run(run: RunFolder) -> ListedRun:
    """Read a run's row; a damaged run gets a row as well."""
    facts: dict[str, Value] = dict.fromkeys(COLUMNS)
    facts |= {"name": run.path.name, "path": str(run.path)}
    try:
        refuse_links(run.path)
        facts["started"] = _minute(run.recipe_path.stat().st_mtime)
        recipe = _read_recipe(run)
        facts |= {"recipe": recipe.name, "seed": recipe.seed}
        lines = run.metrics(outline=True)
        facts |= _figures(lines, recipe)
        found = latest_evaluations(lines).items()
        facts["evaluations"] = [f"{key}: {line['accuracy']:.4f}" for key, line in found] or None
        status, age = run.status()
        facts["state"] = run_state(run, lines, age=age if status else None)
        if facts["state"] == "failed":
            facts["problem"] = str(lines[-1].get("reason"))
    except ThriftnetError as fault:
        return ListedRun({**facts, "state": "damaged", "problem": str(fault)}, None)
    except OSError as fault:
        problem = f"{run.recipe_path} cannot be read: {fault.strerror}"
        return ListedRun({**facts, "state": "damaged", "problem": problem}, None)
    return ListedRun(facts, recipe)


def _figures(lines: list[dict[str, Any]], recipe: Recipe) -> dict[str, Value]:
    """The latest value of each metric; test metrics with the recipe's views."""
    found: dict[str, Value] = {}
    for line in lines:
        kind = line.get("kind")
        if kind == "test" and line.get("tta") == recipe.evaluate.tta:
            names = ("accuracy", "top5", "loss", "calibration_error", "balanced_accuracy")
        elif kind == "start":
            names = ("parameters", "macs")
        elif kind == "epoch":
            names = ("epoch", "val_accuracy", "seconds")
        elif kind == "end":
            names = ("seconds", "pflop")
        else:
            continue
        numbers = {name: line.get(name) for name in names}
        found |= {k: v for k, v in numbers.items() if isinstance(v, int | float)}
    return found


def _read_recipe(run: RunFolder) -> Recipe:
    """The run's recipe, parsed by sections if possible.

    Raises:
        RecipeError: It is not a recipe.
    """
    try:
        tree: dict[str, Any] = {}
        text = read_bounded(run.recipe_path, most=4 * MOST_CHARACTERS).decode("utf-8")
        text = open_yaml(text)
        if not is_whole(text):
            raise ValueError("it was cut")
        for section in re.split(r"(?m)^(?=\w)", text):
            found = _read_section(section) or {}
            if tree.keys() & found.keys():
                raise ValueError("duplicate key")
            tree |= found
        return Recipe.model_validate(tree)
    except Exception:  # the full parser reports the reason
        return run.recipe()


@lru_cache(maxsize=100_000)
def _read_section(text: str) -> dict[str, Any] | None:
    """Parse one top-level key of a recipe file."""
    return cast("dict[str, Any] | None", read_yaml(text))


def _minute(seconds: float) -> str | None:
    """A time as `2026-11-23 15:04`; None if it is outside the calendar."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # an archive may give a file any time
        return None
