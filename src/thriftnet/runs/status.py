"""The status of a training in a small file that is rewritten every few seconds."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from thriftnet.files import read_bounded
from thriftnet.runs.metrics_log import MetricRecord, parse_line

SILENT_SECONDS = 60.0
"""After this long without a status the training was cut off, or a single step takes longer."""
_MOST_FACTS = 2**22
"""Bytes of a file of a few facts."""


def is_recent(path: Path) -> bool:
    """Whether a file was written within the time after which a training counts as silent."""
    try:
        return time.time() - path.stat().st_mtime < SILENT_SECONDS
    except OSError:
        return False


def write_status(path: Path, status: MetricRecord | None) -> None:
    """Write the status anew; none: remove it.

    Nothing depends on it: a full disk is no error here, and a cut file no harm.
    """
    with contextlib.suppress(OSError):
        if status is None:
            path.unlink(missing_ok=True)
        else:  # in one go, as an empty file would tell a reader that no training is running
            new = path.with_suffix(".new")
            new.write_text(json.dumps(status) + "\n", "utf-8")
            new.replace(path)


def read_status(path: Path) -> tuple[MetricRecord, float]:
    """The status and its age in seconds; empty where there is none."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return {}, 0.0
    return read_facts_file(path), max(0.0, age)


def read_facts_file(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where the file is missing or damaged."""
    try:
        return parse_line(read_bounded(path, most=_MOST_FACTS)) or {}
    except OSError:
        return {}
