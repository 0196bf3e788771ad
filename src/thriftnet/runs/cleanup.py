"""Removes checkpoints that finished runs and search trials no longer need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import find_writer
from thriftnet.runs.metrics_log import last_line

Unneeded = Callable[[RunFolder], list[Path]]
"""Returns the checkpoints that a run no longer needs."""


def superseded(run: RunFolder) -> list[Path]:
    """Checkpoints made obsolete by the final model.

    Empty if the run is not finished or its model cannot be read. If the disk filled up before the
    last line of the metrics, `--resume` still needs the checkpoint.
    """
    try:
        from thriftnet.models.tensors import check_model_file

        found = run.checkpoints()
        if found and last_line(run.metrics(outline=True), "end"):
            check_model_file(run.model_path)
            return found
    except RunError:
        pass
    return []


@dataclass(frozen=True)
class SupersededFiles:
    """The checkpoints that one run no longer needs."""

    run: RunFolder
    files: tuple[Path, ...]
    size: int
    """Size in bytes."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "run": str(self.run.path),
            "files": [str(path) for path in self.files],
            "bytes": self.size,
        }


def find_superseded(
    runs: Iterable[RunFolder], *, unneeded: Unneeded = superseded
) -> list[SupersededFiles]:
    """Runs with checkpoints that they no longer need."""
    found: list[SupersededFiles] = []
    for run in runs:
        if run.path.is_symlink():  # its target may be listed elsewhere
            continue
        files = tuple(unneeded(run))
        if files:
            found.append(SupersededFiles(run, files, sum(path.lstat().st_size for path in files)))
    return found


def remove_superseded(found: Iterable[SupersededFiles], *, unneeded: Unneeded = superseded) -> int:
    """Remove the checkpoints, after checking each run again; skips runs being trained.

    Returns:
        The bytes freed.

    Raises:
        RunError: A file cannot be removed.
    """
    freed = 0
    for entry in found:
        if find_writer(entry.run) is not None:
            continue
        for path in set(unneeded(entry.run)) & set(entry.files):
            try:
                size = path.lstat().st_size
                path.unlink()
            except FileNotFoundError:  # removed by another process
                continue
            except OSError as fault:
                raise RunError(
                    f"{path} cannot be removed: {fault.strerror}; check the permissions of its "
                    "folder"
                ) from None
            freed += size
            with contextlib.suppress(OSError):  # not empty
                path.parent.rmdir()
    return freed
