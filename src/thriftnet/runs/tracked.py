"""Files of a run for trackers: TensorBoard's event files, and the run's id in MLflow."""

from __future__ import annotations

import time
from pathlib import Path

from thriftnet.digests import dump_json
from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.status import read_facts_file


def event_files(run: RunFolder) -> list[Path]:
    """TensorBoard's event files, oldest first; the last one is current."""
    return sorted(run.path.glob("events.out.tfevents.*.thriftnet"))


def new_event_file(run: RunFolder) -> Path:
    """Path of a new event file; TensorBoard reads them in order of name."""
    return run.path / f"events.out.tfevents.{time.time_ns()}.thriftnet"


def mlflow_run(run: RunFolder) -> str | None:
    """The run's id in MLflow; None if not tracked or the file is damaged."""
    found = read_facts_file(run.mlflow_path).get("run_id")
    return found if isinstance(found, str) else None


def save_mlflow_run(run: RunFolder, run_id: str) -> None:
    """Save the run's id in MLflow, for resuming.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    content = dump_json({"run_id": run_id}) + "\n"
    write_whole(run.mlflow_path, content.encode(), error=RunError)
