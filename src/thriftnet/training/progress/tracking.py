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
"""Between two statuses."""


class Tracker(Protocol):
    """Shows runs in another program."""

    name: str
    """As `--track` takes it."""

    def update(self, run: RunFolder) -> None:
        """Show all that the run's metrics say by now and that is not shown yet.

        Whatever it raises, the training continues without it.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class WithTrackers(ForwardingProgress):
    """Forwards to another progress, and keeps trackers up to date with the run."""

    def __init__(self, progress: Progress, run: RunFolder, trackers: Iterable[Tracker]) -> None:
        super().__init__(progress)
        self.run = run
        self.failed: list[str] = []
        """Names of the trackers that were given up."""
        self._trackers = list(trackers)
        self._update()

    def line(self, line: MetricRecord) -> None:
        """A line that went into the metrics, where the trackers find it."""
        super().line(line)
        self._update()

    def close(self) -> None:
        """The training has ended."""
        self._update()  # with the line of a failure
        for tracker in self._trackers:
            with contextlib.suppress(Exception):  # all is shown, and the training over
                tracker.close()
        super().close()

    def _update(self) -> None:
        for tracker in list(self._trackers):
            try:
                tracker.update(self.run)
            except Exception as fault:  # a disk, a server, a library: none is worth a training
                self._trackers.remove(tracker)
                self.failed.append(tracker.name)
                self.progress.warn(f"{explain(tracker, fault)}; {remedy(tracker, self.run)}")


class WithStatus(ForwardingProgress):
    """Forwards to another progress, and keeps the run's status file up to date."""

    def __init__(self, progress: Progress, run: RunFolder) -> None:
        super().__init__(progress)
        self.run = run
        self._written = -STATUS_SECONDS

    def step(self, stats: StepStats) -> None:
        """Write the status, where the last one is old."""
        super().step(stats)
        if time.monotonic() - self._written >= STATUS_SECONDS:
            self._written = time.monotonic()
            self.run.save_status(vars(stats))

    def close(self) -> None:
        """The training has ended."""
        self.run.save_status(None)
        super().close()


def explain(tracker: Tracker, fault: Exception) -> str:
    """What stopped a tracker, in one line."""
    reason = (str(fault).splitlines() or [""])[0][:200]
    return f"tracking with {tracker.name} stopped ({reason or type(fault).__name__})"


def remedy(tracker: Tracker, run: RunFolder) -> str:
    """How to show the run in the tracker later."""
    return (
        f"nothing is lost of {run.path}; once that is mended, show it with: "
        f"{command('train', '--resume', run.path, '--track', tracker.name)}"
    )
