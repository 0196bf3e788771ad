"""The environments of a run: at its start and after each resumption."""

from __future__ import annotations

from itertools import accumulate
from operator import or_
from typing import Any

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord


def environment_changes(lines: list[MetricRecord]) -> list[MetricRecord]:
    """Changes of the environment on resumption, with the step."""
    return [line for line in lines if line.get("kind") == "environment"]


def environments(run: RunFolder, lines: list[MetricRecord] | None = None) -> list[dict[str, Any]]:
    """The environment at the start, then after each change.

    Args:
        run: The run.
        lines: Its metrics, if read already.

    Raises:
        RunError: The metrics are damaged.
    """
    found = environment_changes(run.metrics() if lines is None else lines)
    return list(accumulate(found, or_, initial=run.environment()))
