"""What `thriftnet watch` reads between the lines of the metrics: where the training stands."""

from __future__ import annotations

import time

from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import ForwardingProgress, Progress, StepStats

STATUS_SECONDS = 2.0
"""Between two statuses."""


class WithStatus(ForwardingProgress):
    """Tells another progress what it is told, and keeps the run's status beside it."""

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
        """The training goes on no longer."""
        self.run.save_status(None)
        super().close()
