"""What a name or a path that someone gave stands for: a new run's folder, or a model file."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from thriftnet.errors import RunError
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder

_LONGEST_NAME = 200
"""Bytes of a folder's name; file systems take 255."""


def new_run_path(runs_dir: Path, recipe: Recipe, name: str | None) -> Path:
    """Where a new run goes: by its name, or by recipe, seed and time.

    Raises:
        RunError: The name would lead out of the folder, or exists.
    """
    if name is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        name = f"{recipe.name}-s{recipe.seed}-{stamp}"
    marked = any(mark in name for mark in {"/", os.sep, "\0"})
    if name in {"", ".", ".."} or marked or len(os.fsencode(name)) > _LONGEST_NAME:
        raise RunError(
            f"--name {name!r} is not a plain folder name of at most {_LONGEST_NAME} bytes; "
            "leave out slashes"
        )
    path = runs_dir / name
    if path.exists():
        raise RunError(
            f"{path} exists already; choose another --name, or go on with --resume {path}"
        )
    return path


def model_file(target: Path) -> Path:
    """The model file that a run folder or a file path stands for.

    Raises:
        RunError: Nothing is there, or the run has not come to its end.
    """
    if not target.exists():
        raise RunError(f"there is no run folder or model file {target}; check the path")
    if target.is_file():
        return target
    run = RunFolder.open(target)
    if not run.finished:
        raise RunError(
            f"{target} has no final model yet; finish it with: thriftnet train --resume {target}"
        )
    return run.model_path
