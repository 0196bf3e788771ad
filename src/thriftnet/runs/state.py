"""The state of a run in one word, for the list of runs and `watch`."""

from __future__ import annotations

from collections.abc import Sequence

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import find_writer
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.runs.status import SILENT_SECONDS, is_recent


def is_training(run: RunFolder) -> bool:
    """Whether the run is being trained; without a lock file, whether its status is recent."""
    if run.lock_path.is_file():
        return find_writer(run) is not None
    status, age = run.status()
    return bool(status) and age < SILENT_SECONDS


def run_state(run: RunFolder, lines: Sequence[MetricRecord], *, age: float | None) -> str:
    """`starting`, `running`, `silent`, `interrupted`, `failed` or `finished`.

    Args:
        run: The run.
        lines: Its metrics.
        age: Seconds since its status was written; None without a status.
    """
    if run.finished:
        return "finished"
    last = lines[-1].get("kind") if lines else None
    if run.lock_path.is_file():  # runs of earlier versions have none
        if find_writer(run) is not None:
            return "starting" if age is None else "running"
        return "failed" if last == "failed" else "interrupted"
    if age is not None:
        return "running" if age < SILENT_SECONDS else "silent"
    if last in {"interrupted", "failed"}:
        return str(last)
    if len(lines) > 1 and last != "resumed":
        return "silent"
    fresh = is_recent(run.metrics_path) or is_recent(run.environment_path)
    return "starting" if fresh else "interrupted"  # killed early
