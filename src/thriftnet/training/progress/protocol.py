"""The interface of progress displays, and those that print nothing or forward."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from thriftnet.plain import to_stderr
from thriftnet.runs.metrics_log import MetricRecord


@dataclass(frozen=True)
class StepStats:
    """The state of a run after a step."""

    epoch: int
    """Counted from 1."""
    epochs: int
    share: float
    """Share of this epoch that is done, in [0, 1]."""
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    seconds_left: float
    """Seconds left of the whole run, at the rate of this epoch."""
    cpu_contention: float | None = None
    """Share of the CPU time requested by this training that other processes took, in this epoch;
    None: unknown."""
    step: int = 0
    """Counted from 1, over the whole run."""


class Progress(Protocol):
    """What the training loop calls; no method may block."""

    def note(self, text: str) -> None:
        """Show an informational message."""
        ...

    def warn(self, text: str) -> None:
        """Show a warning."""
        ...

    def step(self, stats: StepStats) -> None:
        """After every step."""
        ...

    def line(self, line: MetricRecord) -> None:
        """A line was appended to metrics.jsonl."""
        ...

    def close(self) -> None:
        """The run ended, successfully or not."""
        ...


class ForwardingProgress:
    """Base of wrappers: forwards every call to another progress."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def note(self, text: str) -> None:
        """As `Progress` says."""
        self.progress.note(text)

    def warn(self, text: str) -> None:
        """As `Progress` says."""
        self.progress.warn(text)

    def step(self, stats: StepStats) -> None:
        """As `Progress` says."""
        self.progress.step(stats)

    def line(self, line: MetricRecord) -> None:
        """As `Progress` says."""
        self.progress.line(line)

    def close(self) -> None:
        """As `Progress` says."""
        self.progress.close()


class Quiet:
    """Prints warnings only."""

    def note(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Print the sentence to standard error."""
        to_stderr(f"thriftnet: {text}")

    def step(self, stats: StepStats) -> None:
        """Nothing."""

    def line(self, line: MetricRecord) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Silent(Quiet):
    """Prints nothing at all."""

    def warn(self, text: str) -> None:
        """Nothing."""


class FailSafeProgress:
    """Forwards to another progress until it raises: a broken display never stops a training."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        """As `Progress` says."""
        self._try(lambda: self._progress.note(text))

    def warn(self, text: str) -> None:
        """As `Progress` says."""
        self._try(lambda: self._progress.warn(text))

    def step(self, stats: StepStats) -> None:
        """As `Progress` says."""
        self._try(lambda: self._progress.step(stats))

    def line(self, line: MetricRecord) -> None:
        """As `Progress` says."""
        self._try(lambda: self._progress.line(line))

    def close(self) -> None:
        """As `Progress` says."""
        self._try(self._progress.close)

    def _try(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except (Exception, SystemExit) as fault:  # rich exits at a closed pipe
            self._progress = Silent()
            with contextlib.suppress(Exception):
                reason = (str(fault).splitlines() or [""])[0] or type(fault).__name__
                Quiet().warn(f"progress display stopped ({reason}); training continues")
