"""The status file of a training, rewritten every few seconds."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from thriftnet.files import read_bounded
from thriftnet.runs.metrics_log import MetricRecord, parse_line

SILENT_SECONDS = 60.0
"""Age of a status at which a training counts as silent."""
_MOST_FACTS = 2**22
"""Upper limit of a small JSON file in bytes."""


def is_recent(path: Path) -> bool:
    """Whether a file was written within the last `SILENT_SECONDS`."""
    try:
        return time.time() - path.stat().st_mtime < SILENT_SECONDS
    except OSError:
        return False


def write_status(path: Path, status: MetricRecord | None) -> None:
    """Replace the status; None: remove it. Errors are ignored, as nothing depends on it."""
    with contextlib.suppress(OSError):
        if status is None:
            path.unlink(missing_ok=True)
        else:  # atomically: an empty file would mean that no training is running
            new = path.with_suffix(".new")
            new.unlink(missing_ok=True)  # never write to it: it may be a link
            with new.open("x", encoding="utf-8") as file:
                file.write(json.dumps(status) + "\n")
            new.replace(path)


def read_status(path: Path) -> tuple[MetricRecord, float]:
    """The status and its age in seconds; empty without a status."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return {}, 0.0
    return read_facts_file(path), max(0.0, age)


def read_facts_file(path: Path) -> dict[str, Any]:
    """Read a small JSON file; empty if it is missing or damaged."""
    try:
        return parse_line(read_bounded(path, most=_MOST_FACTS)) or {}
    except OSError:
        return {}
