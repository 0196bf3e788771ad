"""The word for where a run stands, the same in the list of runs and for who follows one."""

from __future__ import annotations

from collections.abc import Sequence

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import Line

SILENT_SECONDS = 60.0
"""A status is written every few seconds; after this long without one the training was cut off,
or a single step takes longer than that."""


def goes_on(run: RunFolder) -> bool:
    """Whether a training has told of itself just now."""
    status, age = run.status()
    return bool(status) and age < SILENT_SECONDS


def run_state(run: RunFolder, lines: Sequence[Line], *, age: float | None) -> str:
    """`starting`, `running`, `silent`, `interrupted`, `failed` or `finished`.

    Args:
        run: The run.
        lines: Of its metrics.
        age: Seconds since it wrote its status; none where there is no status.
    """
    if run.finished:
        return "finished"
    if age is not None:
        return "running" if age < SILENT_SECONDS else "silent"
    last = lines[-1].get("kind") if lines else None
    if last in {"interrupted", "failed"}:
        return str(last)
    return "starting" if len(lines) <= 1 or last == "resumed" else "silent"
