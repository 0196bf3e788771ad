"""What a run ran on, from its start and wherever it was resumed."""

from __future__ import annotations

from itertools import accumulate
from operator import or_
from typing import Any

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord


def moves(lines: list[MetricRecord]) -> list[MetricRecord]:
    """What changed of the environment where a cut run was resumed elsewhere, with the step."""
    return [line for line in lines if line.get("kind") == "environment"]


def environments(run: RunFolder, lines: list[MetricRecord] | None = None) -> list[dict[str, Any]]:
    """The environment of the start, then the environment after each of `moves`.

    Args:
        run: The run.
        lines: Of its metrics, where they were read already.

    Raises:
        RunError: The metrics are damaged.
    """
    found = moves(run.metrics() if lines is None else lines)
    return list(accumulate(found, or_, initial=run.environment()))
