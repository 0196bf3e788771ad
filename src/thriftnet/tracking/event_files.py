"""TensorBoard: an event file in the run folder, written from the run's metrics.

Uses tensorboard's record writer instead of torch's SummaryWriter: it writes synchronously, so that
a full disk is reported, and never imports TensorFlow.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.tracked import event_files, new_event_file
from thriftnet.tracking.points import Point, read_parameters, read_points, started_at

# protobuf creates these classes at import, invisible to type checkers.
Event: Any = vars(event_pb2)["Event"]
SessionLog: Any = vars(event_pb2)["SessionLog"]
Summary: Any = vars(summary_pb2)["Summary"]


_HEAD = 3
"""Records before the first point: version, start, hyper-parameters."""
_MOST_BYTES = 2**26
"""Limit of a file to continue; a thousand epochs take half a megabyte."""


class EventFiles:
    """Maintains an event file in a run folder.

    Records are deterministic, so a file that is a prefix of them is continued, wherever it was
    truncated. Otherwise (a resumed run repeats an epoch in the file) a new file is started, whose
    start record makes TensorBoard discard earlier points. The old file is emptied, not removed, as
    TensorBoard would wait for it.
    """

    name = "tensorboard"

    def __init__(self) -> None:
        self._file: Path | None = None
        self._shown = b""
        """The records of points that are in the file."""

    def update(self, run: RunFolder) -> None:
        """Write new points.

        Raises:
            RunError: The disk is full or the folder cannot be written.
            OSError: The same faults.
        """
        began = started_at(run)
        points = _records(_scalar(point, began=began) for point in read_points(run))
        if self._file is None:
            self._take_up(run)
        if self._file is None or not points.startswith(self._shown):
            self._begin(run, points, began=began)
        elif len(points) > len(self._shown):
            with self._file.open("ab", buffering=0) as file:
                file.write(points[len(self._shown) :])
        self._shown = points

    def close(self) -> None:
        """Nothing to close."""

    def _take_up(self, run: RunFolder) -> None:
        """Continue an earlier file if its head is complete."""
        for path in event_files(run)[-1:]:
            facts = path.stat()
            if facts.st_size > _MOST_BYTES or facts.st_nlink > 1:  # not ours: start a new one
                continue
            content = path.read_bytes()
            size = _head_size(content)
            if size is not None:
                self._file, self._shown = path, content[size:]

    def _begin(self, run: RunFolder, points: bytes, *, began: float) -> None:
        earlier, path = event_files(run), new_event_file(run)
        parameters = hparams_pb(
            cast("dict[Any, Any]", read_parameters(run)), trial_id=run.name, start_time_secs=began
        )
        start = SessionLog(status=SessionLog.START)
        head = (
            Event(wall_time=began, file_version="brain.Event:2"),
            Event(wall_time=began, step=0, session_log=start),
            Event(wall_time=began, step=0, summary=parameters),
        )
        write_whole(path, _records(head) + points, error=RunError)
        for old in earlier:
            write_whole(old, b"", error=RunError)  # not in place: it may have another name, too
        self._file = path


def _scalar(point: Point, *, began: float) -> Any:
    value = Summary.Value(tag=point.name, simple_value=point.value)
    return Event(wall_time=began + point.seconds, step=point.step, summary=Summary(value=[value]))


def _records(events: Iterable[Any]) -> bytes:
    """Encode events as in a file: length, checksum, content, checksum."""
    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    for event in events:
        writer.write(event.SerializeToString())
    return buffer.getvalue()


def _head_size(content: bytes) -> int | None:
    """Size of the first records in bytes; None if incomplete."""
    size = 0
    for _ in range(_HEAD):
        if len(content) < size + 8:
            return None
        size += 16 + int.from_bytes(content[size : size + 8], "little")
    return size if size <= len(content) else None
