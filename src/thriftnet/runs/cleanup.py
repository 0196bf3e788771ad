"""Remove what finished runs, and trials of a search, no longer need."""

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
"""Says which checkpoints a run can do without."""


def superseded(run: RunFolder) -> list[Path]:
    """Checkpoints that the final model has replaced.

    Of a run that is not finished, or whose final model cannot be read, there is none: on a disk
    that filled up, the last line is still to be written, by what `--resume` reads.
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
class Superseded:
    """The checkpoints that one run can do without."""

    run: RunFolder
    files: tuple[Path, ...]
    size: int
    """Bytes on the disk."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "run": str(self.run.path),
            "files": [str(path) for path in self.files],
            "bytes": self.size,
        }


def find_superseded(
    runs: Iterable[RunFolder], *, unneeded: Unneeded = superseded
) -> list[Superseded]:
    """Checkpoints that runs can do without, where there are any; nothing else is ever listed."""
    found: list[Superseded] = []
    for run in runs:
        if run.path.is_symlink():  # what lies elsewhere is removed where it lies
            continue
        files = tuple(unneeded(run))
        if files:
            found.append(Superseded(run, files, sum(path.lstat().st_size for path in files)))
    return found


def remove_superseded(found: Iterable[Superseded], *, unneeded: Unneeded = superseded) -> int:
    """Remove them, each run looked at anew, and let those alone that a process writes to.

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
            except FileNotFoundError:  # another clean-up was first
                continue
            except OSError as fault:
                raise RunError(
                    f"{path} cannot be removed: {fault.strerror}; check your rights to its folder"
                ) from None
            freed += size
            with contextlib.suppress(OSError):  # not empty: something else lies there and stays
                path.parent.rmdir()
    return freed
