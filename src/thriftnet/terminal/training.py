"""A training's own display, in place of the line that says what a command is doing."""

from __future__ import annotations

from thriftnet.table import clock
from thriftnet.terminal.work import Work
from thriftnet.training.progress import ForwardingProgress, StepStats, choose_progress


class TrainingProgress(ForwardingProgress):
    """Prints a training; the line goes at the first step, or says how far it is.

    Args:
        doing: The line.
        quiet: Nothing but warnings is printed.
        as_json: JSON lines are printed.
        then: What is done after the training; none: nothing that takes long.
    """

    def __init__(
        self, doing: Work, *, quiet: bool = False, as_json: bool = False, then: str = ""
    ) -> None:
        super().__init__(choose_progress(quiet=quiet, as_json=as_json))
        self._doing, self._then = doing, then
        self._lines = not (quiet or as_json)
        """Whether standard output is for people, and has a display of its own."""

    def step(self, stats: StepStats) -> None:
        """After every step."""
        if self._lines:
            self._doing.end()
        else:
            left = f"about {clock(stats.seconds_left)} left"
            self._doing.update(f"training, epoch {stats.epoch}/{stats.epochs}, {left}")
        super().step(stats)

    def close(self) -> None:
        """The training has ended."""
        super().close()
        if self._then:
            self._doing.now(self._then)
            self._doing.show()
