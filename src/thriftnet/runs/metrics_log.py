"""Reads and appends the lines of metrics.jsonl, one JSON object each."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeGuard

from thriftnet.digests import dump_json, load_json
from thriftnet.errors import RunError
from thriftnet.files import explain_os_error, read_bounded, write_whole
from thriftnet.runs.clean_lines import LARGEST, cleaned

MetricRecord = dict[str, Any]
"""`kind` is one of start, epoch, interrupted, environment, resumed, failed, end,
test, evaluation, robustness, calibration."""

_MOST_BYTES = 2**27
"""Upper limit of the file; a thousand epochs take half a megabyte."""
_EPOCH = '{"kind": "epoch"'
"""Start of an epoch line as written."""


def parse_line(text: str | bytes) -> MetricRecord | None:
    """Parse a line of the metrics; None if it is damaged."""
    try:
        return load_json(text)
    except (ValueError, RecursionError):  # deeply nested
        return None


def write_lines(path: Path, lines: Iterable[MetricRecord]) -> None:
    """Replace the content of a file atomically.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    write_whole(path, "".join(dump_json(line) + "\n" for line in lines).encode(), error=RunError)


def _is_cut(text: str) -> bool:
    """Whether the text after the last line break is a truncated line.

    A prefix of a JSON object is never a complete object, so a complete one only lacks its line
    break or was changed.
    """
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return bool(text)
    return not isinstance(found, dict)


def read_lines(path: Path, *, outline: bool = False) -> list[MetricRecord]:
    """All complete lines of a file, without values that fit no key; empty if it does not exist.

    Args:
        path: The metrics file.
        outline: Omit the epochs before the last two: parsing them takes most of the time.

    Raises:
        RunError: A line is damaged, or the file cannot be read.
    """
    try:
        texts = read_bounded(path, most=_MOST_BYTES).decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise RunError(
            f"{path} cannot be read: {fault.strerror}; check the file and the disk"
        ) from None
    epochs = [at for at, text in enumerate(texts) if text.startswith(_EPOCH)]
    # Keeps two, as the last may be truncated; other truncated lines are still parsed and reported.
    passed = {at for at in epochs[:-2] if texts[at].endswith("}")} if outline else set[int]()
    lines: list[MetricRecord] = []
    for at, text in enumerate(texts):
        if at in passed or (at + 1 == len(texts) and (not text or _is_cut(text))):
            continue
        line = parse_line(text)
        if line is None:
            raise RunError(f"{path} is damaged in line {at + 1}; delete that line")
        lines.append(cleaned(line))
    return lines


def append_line(path: Path, line: MetricRecord) -> None:
    """Append a line to a file atomically, replacing a truncated last line.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    added = dump_json(line).encode() + b"\n"
    try:
        path.touch()
        if path.stat().st_nlink > 1:  # a hard link elsewhere must not change
            write_whole(path, read_bounded(path, most=_MOST_BYTES), error=RunError)
        with path.open("r+b", buffering=0) as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1  # bytes
            tail = content[whole:].decode("utf-8", "replace")
            if tail and not _is_cut(tail):  # complete, only its line break is missing
                whole, added = len(content), b"\n" + added
            file.truncate(whole)
            file.seek(whole)
            if file.write(added) < len(added):
                file.truncate(whole)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as fault:
        raise RunError(explain_os_error(fault, path)) from None


def is_torn(path: Path) -> bool:
    """Whether the last line of a file is truncated."""
    try:
        last = read_bounded(path, most=_MOST_BYTES).rsplit(b"\n", 1)[-1].decode("utf-8", "replace")
    except OSError:
        return False
    return _is_cut(last)


def is_figure(value: object) -> TypeGuard[float]:
    """Whether a value from a file is a finite number of reasonable size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < LARGEST  # False for NaN


def has_figures(line: MetricRecord, keys: Iterable[str]) -> bool:
    """Whether a line has a number under each of the keys."""
    return all(is_figure(line.get(key)) for key in keys)


def step_figures(line: MetricRecord) -> list[tuple[float, float, float | None]]:
    """Step, loss and gradient norm (None if unknown) of each point in an epoch's line.

    Empty for lines of earlier versions.
    """
    curve = line.get("steps")
    if not isinstance(curve, dict):
        return []
    columns: list[Any] = [curve.get(key) for key in ("step", "loss", "gradient_norm")]
    if not all(isinstance(column, list) for column in columns):
        return []
    return [
        (step, loss, norm if is_figure(norm) else None)
        for step, loss, norm in zip(*columns, strict=False)
        if is_figure(step) and is_figure(loss)
    ]


def last_line(lines: list[MetricRecord], kind: str, *keys: str) -> MetricRecord:
    """The latest line of a kind that has numbers under all keys; empty if there is none."""
    own = (line for line in reversed(lines) if line.get("kind") == kind)
    return next((line for line in own if has_figures(line, keys)), {})
