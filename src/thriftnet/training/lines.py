"""The lines of a run's metrics: one JSON object each, as training appends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from thriftnet.errors import RunError

Line = dict[str, Any]
"""`kind` says what a line tells: start, epoch, interrupted, failed, end, test."""

_EPOCH = '{"kind": "epoch"'
"""How the line of an epoch begins as it is written."""


def parse_line(text: str | bytes) -> Line | None:
    """A line of the metrics; none if it is damaged."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return cast("Line", line) if isinstance(line, dict) else None


def read_lines(path: Path, *, outline: bool = False) -> list[Line]:
    """All whole lines of a file; one torn at the end is left out. No file has no lines.

    Args:
        path: Of the metrics.
        outline: Leave out the epochs before the last two: most of the time goes to them, and
            lists of runs do without.

    Raises:
        RunError: Another line is not a JSON object, or the file cannot be read.
    """
    try:
        texts = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise RunError(
            f"{path} cannot be read: {fault.strerror}; check the file and the disk"
        ) from None
    epochs = [at for at, text in enumerate(texts) if text.startswith(_EPOCH)]
    # The last may be torn, so one more is kept; a cut line among the others is still found out.
    passed = {at for at in epochs[:-2] if texts[at].endswith("}")} if outline else set[int]()
    lines: list[Line] = []
    for at, text in enumerate(texts):
        if at in passed:
            continue
        line = parse_line(text)
        if line is not None:
            lines.append(line)
        elif at + 1 < len(texts):
            raise RunError(f"{path} is damaged in line {at + 1}; delete that line")
    return lines


def last_line(lines: list[Line], kind: str) -> Line:
    """The latest line of a kind; empty if there is none."""
    return next((line for line in reversed(lines) if line.get("kind") == kind), {})


def latest_tests(lines: list[Line], *, precision: str) -> dict[str, Line]:
    """The latest test figures of each test-time augmentation, read in that precision."""
    tests = (line for line in lines if line.get("kind") == "test")
    return {line["tta"]: line for line in tests if line.get("precision") == precision}
