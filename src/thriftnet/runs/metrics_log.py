"""The lines of a run's metrics: one JSON object each, appended and read back."""

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

MetricRecord = dict[str, Any]
"""`kind` says what a line tells: start, epoch, interrupted, environment, resumed, failed, end,
test, evaluation, robustness, calibration."""

_MOST_BYTES = 2**27
"""Of all lines; a thousand epochs take half a million."""
_LARGEST = 1e18
_EPOCH = '{"kind": "epoch"'
"""How the line of an epoch begins as it is written."""


def parse_line(text: str | bytes) -> MetricRecord | None:
    """A line of the metrics; none if it is not what was written."""
    try:
        return load_json(text)
    except (ValueError, RecursionError):  # brackets in brackets
        return None


def write_lines(path: Path, lines: Iterable[MetricRecord]) -> None:
    """Replace the content of a file, whole or not at all.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    write_whole(path, "".join(dump_json(line) + "\n" for line in lines).encode(), error=RunError)


def _is_cut(text: str) -> bool:
    """Whether the text after the last line break is the beginning of a line.

    No beginning of an object is an object, so that one that is complete was changed, or lacks its
    line break alone.
    """
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return bool(text)
    return not isinstance(found, dict)


def read_lines(path: Path, *, outline: bool = False) -> list[MetricRecord]:
    """All whole lines of a file; one cut at the end is left out. No file has no lines.

    Args:
        path: Of the metrics.
        outline: Leave out the epochs before the last two: most of the time goes to them, and
            lists of runs do without.

    Raises:
        RunError: A line is not what was written, or the file cannot be read.
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
    # The last may be cut, so one more is kept; a cut line among the others is still found out.
    passed = {at for at in epochs[:-2] if texts[at].endswith("}")} if outline else set[int]()
    lines: list[MetricRecord] = []
    for at, text in enumerate(texts):
        if at in passed or (at + 1 == len(texts) and (not text or _is_cut(text))):
            continue
        line = parse_line(text)
        if line is None:
            raise RunError(f"{path} is damaged in line {at + 1}; delete that line")
        lines.append(line)
    return lines


def append_line(path: Path, line: MetricRecord) -> None:
    """Add a line to a file, whole or not at all, in the place of a cut last one.

    Raises:
        RunError: The disk is full or the folder cannot be written.
    """
    added = dump_json(line).encode() + b"\n"
    try:
        path.touch()
        if path.stat().st_nlink > 1:  # another name of the file, wherever it is, keeps its content
            write_whole(path, read_bounded(path, most=_MOST_BYTES), error=RunError)
        with path.open("r+b", buffering=0) as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1  # bytes
            tail = content[whole:].decode("utf-8", "replace")
            if tail and not _is_cut(tail):  # it lacks its line break alone
                whole, added = len(content), b"\n" + added
            file.truncate(whole)
            file.seek(whole)
            if file.write(added) < len(added):
                file.truncate(whole)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as fault:
        raise RunError(explain_os_error(fault, path)) from None


def is_torn(path: Path) -> bool:
    """Whether the last line of a file was cut while it was written."""
    try:
        last = read_bounded(path, most=_MOST_BYTES).rsplit(b"\n", 1)[-1].decode("utf-8", "replace")
    except OSError:
        return False
    return _is_cut(last)


def is_figure(value: object) -> TypeGuard[float]:
    """Whether a value can be shown and drawn as a number; a file may hold anything there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _LARGEST  # not of what is no number


def has_figures(line: MetricRecord, keys: Iterable[str]) -> bool:
    """Whether a line has a figure under each of the keys."""
    return all(is_figure(line.get(key)) for key in keys)


def last_line(lines: list[MetricRecord], kind: str, *keys: str) -> MetricRecord:
    """The latest line of a kind that has figures under all keys; empty if there is none."""
    own = (line for line in reversed(lines) if line.get("kind") == kind)
    return next((line for line in own if has_figures(line, keys)), {})
