"""Names and atomically creates a new run folder."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from thriftnet.digests import dump_json, seal_yaml
from thriftnet.errors import RunError, RunExistsError
from thriftnet.files import explain_os_error, sync_folder
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import other_use
from thriftnet.runs.folder import RunFolder
from thriftnet.writable import check_folder

_PARTIAL = ".new"
"""Suffix of a run folder while it is created."""
_PARTIAL_SECONDS = 600.0
"""Age at which an incomplete folder counts as left behind; creating one takes milliseconds."""
_LONGEST_NAME = 200
"""Bytes; file systems allow 255."""


def new_run_path(runs_dir: Path, recipe: Recipe, name: str | None) -> Path:
    """The path of a new run: by its name, or by recipe, seed and time.

    Raises:
        RunError: The name is not a plain folder name, or exists.
    """
    check_new_run(runs_dir, name)
    if name is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        name = f"{recipe.name}-s{recipe.seed}-{stamp}"
    return runs_dir / name


def check_new_run(runs_dir: Path, name: str | None) -> None:
    """Check that a run can be created, before the work of choosing its recipe.

    Args:
        runs_dir: The folder of run folders.
        name: Name of the run; None: a free one.

    Raises:
        RunError: The name is not a plain folder name, or exists; or the folder cannot be written.
    """
    if name is not None:
        _check_name(name)
        if (runs_dir / name).exists():
            raise _taken(runs_dir / name)
    check_folder(runs_dir, error=RunError)


def _check_name(name: str) -> None:
    marked = any(mark in name for mark in {"/", os.sep, "\0"})
    if name in {"", ".", ".."} or marked or len(os.fsencode(name)) > _LONGEST_NAME:
        raise RunError(
            f"--name {name!r} is not a plain folder name of at most {_LONGEST_NAME} bytes; "
            "leave out slashes"
        )


def create_run(
    path: Path, recipe: Recipe, environment: dict[str, Any], *, named: bool = True
) -> RunFolder:
    """Create a new run folder atomically; safe for several processes at once.

    Args:
        path: From `new_run_path`.
        recipe: The run's recipe.
        environment: Content of environment.json.
        named: Whether the user chose the name. Otherwise a number is appended if it is taken, as by
            a run started in the same second.

    Raises:
        RunExistsError: The path exists.
        RunError: It cannot be written.
    """
    for number in itertools.count(1):
        place = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            return _make(place, recipe, environment)
        except RunExistsError:
            if named:
                raise
    raise AssertionError("unreachable")


def _make(path: Path, recipe: Recipe, environment: dict[str, Any]) -> RunFolder:
    _remove_partial(path.parent)
    new = RunFolder(path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}"))
    content = dump_json(environment, indent=2) + "\n"
    try:
        new.path.mkdir(parents=True)
        _write_synced(new.environment_path, content)
        _write_synced(new.recipe_path, seal_yaml(recipe.to_yaml()))
        sync_folder(new.path)  # once for both files
        new.path.rename(path)  # fails if the path exists
        sync_folder(path.parent)
    except OSError as fault:
        if path.exists() or path.is_symlink():
            raise _taken(path) from None
        raise RunError(explain_os_error(fault, path)) from None
    finally:
        shutil.rmtree(new.path, ignore_errors=True)
    return RunFolder(path)


def _write_synced(path: Path, content: str) -> None:
    """Write a file of a folder that nobody sees yet, so that no rename is needed."""
    with path.open("xb") as file:
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())


def _remove_partial(folder: Path) -> None:
    """Remove incomplete run folders of killed processes."""
    for path in folder.glob(f".*{_PARTIAL}"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _PARTIAL_SECONDS:
                shutil.rmtree(path)


def _taken(path: Path) -> RunExistsError:
    return RunExistsError(f"{path} exists already; choose another --name{other_use(path)}")
