"""Merge finished runs into results/accuracy.json: settings, cost, accuracy, calibration, curves.

    python benchmarks/accuracy.py runs/*

A run that is there already, told by the digest of its final weights, is replaced. One that is not
finished, or whose test images were never read, is left out with a line and exit code 2.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from documents.quoting import result
from support.record import write_result
from support.run_curves import curve_of
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.recipe import Recipe, build_recipe, load_recipe, shipped_recipes
from thriftnet.recipe.keys import differing_settings, flatten
from thriftnet.recipe.overrides import merge_override
from thriftnet.runs.environments import environment_changes
from thriftnet.runs.evaluations import latest_tests
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, last_line
from thriftnet.runs.paths import model_file

_METRICS = ("accuracy", "accuracy_interval", "top5", "loss", "calibration_error", "precision")
_MACHINE = ("processor", "threads", "device", "precision", "torch", "system")
_ACCELERATOR = "accelerator"
"""Of the machine too; runs of before November 2026 do not say it and had none."""


def read_run(path: Path) -> dict[str, Any]:
    """What a finished run is and reached.

    Raises:
        RunError: It is not finished, was never evaluated, or has lost a line.
        RecipeError: Its recipe was changed and is wrong now.
    """
    run = RunFolder.open(path)
    weights = hashlib.sha256(model_file(path).read_bytes()).hexdigest()[:12]
    recipe, lines, environment = run.recipe(), run.metrics(), run.environment()
    tests = latest_tests(lines, precision=str(environment.get("precision")))
    tta = recipe.evaluate.tta
    if not {tta, "none"} <= tests.keys():
        raise RunError(f"{path} was never evaluated; run: thriftnet evaluate {path}")
    try:
        return _entry(run, recipe, lines, tests) | {
            "weights": weights,
            "commit": environment["commit"],
            "machine": {key: environment[key] for key in _MACHINE}
            | {_ACCELERATOR: environment.get(_ACCELERATOR)},
            "moves": environment_changes(run.metrics()),
        }
    except KeyError as lost:
        raise RunError(f"{path} has lost its record of {lost}; retrain it") from None


def _entry(
    run: RunFolder, recipe: Recipe, lines: list[MetricRecord], tests: dict[str, MetricRecord]
) -> dict[str, Any]:
    start, end = last_line(lines, "start"), last_line(lines, "end")
    tta = recipe.evaluate.tta
    with_tta = "flip" if tta == "none" else tta
    return {
        "run": run.name,
        "recipe": recipe.name,
        "digest": recipe.digest(),
        "overrides": overrides(recipe),
        "settings": settings(recipe),
        "seed": recipe.seed,
        "parameters": start["parameters"],
        "macs": start["macs"],
        "train_images": start["train_images"],
        "images_seen": end["images"],
        "pflop": end["pflop"],
        "training_seconds": end["seconds"],
        "tta": tta,
        "accuracy": tests[tta]["accuracy"],
        "accuracy_with_tta": tests[with_tta]["accuracy"] if with_tta in tests else None,
        "accuracy_without_tta": tests["none"]["accuracy"],
        "readings": {k: {key: test[key] for key in _METRICS} for k, test in tests.items()},
        "curve": curve_of(lines),
    }


def overrides(recipe: Recipe) -> list[str] | None:
    """What was changed in the shipped recipe of that name; none if none is shipped."""
    if recipe.name not in shipped_recipes():
        return None
    _, changed = differing_settings([load_recipe(recipe.name), recipe])
    return [f"{key}={json.dumps(value)}" for key, value in changed.items()]


def settings(recipe: Recipe) -> dict[str, Any]:
    """The keys that are not their defaults: just what the digest is of."""
    words = {"name", "description", "seed"}
    return flatten(recipe.model_dump(mode="json", exclude=words, exclude_defaults=True))


def recipe_of(entry: Mapping[str, Any]) -> Recipe:
    """What an entry's run was trained by, from its settings; of seed 0.

    Raises:
        RecipeError: A key that it sets is gone.
    """
    tree: dict[str, Any] = {"name": entry["recipe"]}
    for key, value in entry["settings"].items():
        merge_override(tree, key, value)
    return build_recipe(tree, origin=entry["run"])


def merge(
    known: Sequence[dict[str, Any]], paths: Iterable[Path]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Entries with the runs among them, and why a run was left out.

    Args:
        known: Entries so far.
        paths: Of run folders.
    """
    entries = {entry["weights"]: entry for entry in known}
    left_out: list[str] = []
    for path in paths:
        try:
            entry = read_run(path)
        except ThriftnetError as fault:
            left_out.append(str(fault))
        else:
            entries[entry["weights"]] = entry
    return list(entries.values()), left_out


def add_runs(paths: Sequence[Path]) -> list[str]:
    """Merge runs into the file; why a run was left out."""
    known = (result("accuracy") or {"runs": []})["runs"]
    entries, left_out = merge(known, paths)
    if len(left_out) < len(paths):
        write_result("accuracy", {"runs": entries})
        merged = len(paths) - len(left_out)
        print(f"merged {merged} run{'s' if merged > 1 else ''}; {len(entries)} in all")
    return left_out


def main() -> None:
    """Merge the runs and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    paths = [path for path in parser.parse_args().runs if path.is_dir() or not path.exists()]
    left_out = add_runs(paths)
    for reason in left_out:
        print(f"accuracy: left out: {reason}", file=sys.stderr)
    if left_out:
        sys.exit(2)


if __name__ == "__main__":
    main()
