"""What `thriftnet watch` reads between the lines of the metrics: where the training stands."""

from __future__ import annotations

import time

from thriftnet.training.lines import Line
from thriftnet.training.progress import Moment, Progress
from thriftnet.training.run import RunFolder

STATUS_SECONDS = 2.0
"""Between two statuses."""


class WithStatus:
    """Tells another progress what it is told, and keeps the run's status beside it."""

    def __init__(self, progress: Progress, run: RunFolder) -> None:
        self.progress = progress
        self.run = run
        self._written = -STATUS_SECONDS

    def note(self, text: str) -> None:
        """A sentence worth knowing."""
        self.progress.note(text)

    def warn(self, text: str) -> None:
        """Something that went wrong."""
        self.progress.warn(text)

    def step(self, moment: Moment) -> None:
        """Write the status, where the last one is old."""
        self.progress.step(moment)
        if time.monotonic() - self._written >= STATUS_SECONDS:
            self._written = time.monotonic()
            self.run.save_status(vars(moment))

    def line(self, line: Line) -> None:
        """A line that went into the metrics."""
        self.progress.line(line)

    def close(self) -> None:
        """The training goes on no longer."""
        self.run.save_status(None)
        self.progress.close()
