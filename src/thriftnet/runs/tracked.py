"""Files of a run for trackers: TensorBoard's event files, the run's ids in MLflow and W&B."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True)
class WandbRecord:
    """What was sent of a run to W&B."""

    run_id: str
    step: int
    """Step of the last point of the curves; -1: none yet."""
    place: str
    """Server, owner and project, in which id and step are valid."""


def wandb_record(run: RunFolder) -> WandbRecord | None:
    """What was sent to W&B; None if not tracked or the file is damaged."""
    found = read_facts_file(run.wandb_path)
    run_id, step, place = (found.get(key) for key in ("run_id", "step", "place"))
    if isinstance(run_id, str) and isinstance(step, int) and isinstance(place, str):
        return WandbRecord(run_id, step, place)
    return None


def save_wandb_record(run: RunFolder, record: WandbRecord) -> None:
    """Save what was sent to W&B, for resuming.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    write_whole(run.wandb_path, (dump_json(asdict(record)) + "\n").encode(), error=RunError)
