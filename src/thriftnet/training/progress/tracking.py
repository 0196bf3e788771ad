"""Progress that also updates trackers, or the status file that `thriftnet watch` reads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Protocol

from thriftnet.commands import command
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.training.progress import ForwardingProgress, Progress, StepStats

STATUS_SECONDS = 2.0
"""Seconds between two status updates."""


class Tracker(Protocol):
    """Shows runs in another program."""

    name: str
    """As `--track` takes it."""

    def update(self, run: RunFolder) -> None:
        """Send the metrics that were not sent yet.

        If it raises, the training continues without this tracker.
        """
        ...

    def close(self) -> None:
        """Close files and connections."""
        ...


class WithTrackers(ForwardingProgress):
    """Forwards to another progress and updates trackers."""

    def __init__(self, progress: Progress, run: RunFolder, trackers: Iterable[Tracker]) -> None:
        super().__init__(progress)
        self.run = run
        self.failed: list[str] = []
        """Names of the trackers that failed."""
        self._trackers = list(trackers)
        self._update()

    def line(self, line: MetricRecord) -> None:
        """Forward, then update the trackers."""
        super().line(line)
        self._update()

    def close(self) -> None:
        """The training has ended."""
        self._update()  # includes the line of a failure
        for tracker in self._trackers:
            with contextlib.suppress(Exception):  # everything is sent
                tracker.close()
        super().close()

    def _update(self) -> None:
        for tracker in list(self._trackers):
            try:
                tracker.update(self.run)
            except Exception as fault:  # a tracker must not stop a training
                self._trackers.remove(tracker)
                self.failed.append(tracker.name)
                self.progress.warn(f"{explain(tracker, fault)}; {remedy(tracker, self.run)}")


class WithStatus(ForwardingProgress):
    """Forwards to another progress and updates the run's status file."""

    def __init__(self, progress: Progress, run: RunFolder) -> None:
        super().__init__(progress)
        self.run = run
        self._written = -STATUS_SECONDS

    def step(self, stats: StepStats) -> None:
        """Forward, and write the status every few seconds."""
        super().step(stats)
        if time.monotonic() - self._written >= STATUS_SECONDS:
            self._written = time.monotonic()
            self.run.save_status(vars(stats))

    def close(self) -> None:
        """The training has ended."""
        self.run.save_status(None)
        super().close()


def explain(tracker: Tracker, fault: Exception) -> str:
    """One line that says why a tracker stopped."""
    reason = (str(fault).splitlines() or [""])[0][:200]
    return f"tracking with {tracker.name} stopped ({reason or type(fault).__name__})"


def remedy(tracker: Tracker, run: RunFolder) -> str:
    """One line that says how to send the run to the tracker later."""
    return (
        f"{run.path} is complete; after fixing that, send it with: "
        f"{command('train', '--resume', run.path, '--track', tracker.name)}"
    )
