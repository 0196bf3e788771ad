"""Resolves a path to a model file."""

from __future__ import annotations

from pathlib import Path

from thriftnet.errors import RunError
from thriftnet.files import open_regular
from thriftnet.models.hub_folder import find_weights
from thriftnet.runs.advice import advise
from thriftnet.runs.folder import RunFolder


def model_file(target: Path) -> Path:
    """The model file of a run folder, an exported folder or a file path.

    Raises:
        RunError: The path does not exist, the run is not finished, or the folder is a model of
            another library.
    """
    if not target.exists():
        raise RunError(f"there is no run folder or model file {target}; check the path")
    if not target.is_dir():
        try:
            open_regular(target).close()
        except OSError as fault:
            raise RunError(f"{target} cannot be read: {fault.strerror}; check the path") from None
        return target
    exported = find_weights(target)
    if exported is not None:
        return exported
    run = RunFolder.open(target)
    if not run.finished:
        raise RunError(f"{target} {advise(run)}")
    return run.model_path
