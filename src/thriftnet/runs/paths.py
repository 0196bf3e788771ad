"""What a name or a path that someone gave stands for: a new run's folder, or a model file."""

from __future__ import annotations

import itertools
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from thriftnet.errors import RunError, RunExistsError
from thriftnet.files import check_folder, open_regular
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import advise, other_use
from thriftnet.runs.folder import RunFolder

_LONGEST_NAME = 200
"""Bytes of a folder's name; file systems take 255."""


def new_run_path(runs_dir: Path, recipe: Recipe, name: str | None) -> Path:
    """Where a new run goes: by its name, or by recipe, seed and time.

    Raises:
        RunError: The name would lead out of the folder, or exists.
    """
    given = name is not None
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
    if given and path.exists():
        raise _taken(path)
    check_folder(runs_dir, error=RunError)
    return path


def create_run(
    path: Path, recipe: Recipe, environment: dict[str, Any], *, named: bool
) -> RunFolder:
    """Make a new run folder.

    Args:
        path: As `new_run_path` says.
        recipe: The run's.
        environment: What it runs on.
        named: Whether a user chose the name. Others get a number where they are taken, as by a
            run that was started in the same second.

    Raises:
        RunError: The path exists or cannot be written.
    """
    for number in itertools.count(1):
        place = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            return RunFolder.create(place, recipe, environment)
        except RunExistsError:
            if named:
                raise _taken(path) from None
    raise AssertionError("no number is the last")


def _taken(path: Path) -> RunExistsError:
    return RunExistsError(f"{path} exists already; choose another --name{other_use(path)}")


def model_file(target: Path) -> Path:
    """The model file that a run folder or a file path stands for.

    Raises:
        RunError: Nothing is there, or the run has not come to its end.
    """
    if not target.exists():
        raise RunError(f"there is no run folder or model file {target}; check the path")
    if not target.is_dir():
        try:
            open_regular(target).close()
        except OSError as fault:
            raise RunError(f"{target} cannot be read: {fault.strerror}; check the path") from None
        return target
    run = RunFolder.open(target)
    if not run.finished:
        raise RunError(f"{target} {advise(run)}")
    return run.model_path
