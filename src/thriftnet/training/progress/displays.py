"""Progress displays: a live bar, plain lines, or JSON lines."""

from __future__ import annotations

import json
import sys
import time

from rich.text import Text

from thriftnet.plain import plain
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.table import clock
from thriftnet.training.distributed.ranks import is_first
from thriftnet.training.progress.epoch_lines import EpochLines
from thriftnet.training.progress.lines import epoch_text, live_text
from thriftnet.training.progress.protocol import Progress, Quiet, StepStats

FIRST_LINE, NEXT_LINE = 5.0, 60.0
"""Seconds before the first line within an epoch, and between later ones."""


class JsonLines(Quiet):
    """The lines of metrics.jsonl on standard output, as they come."""

    def line(self, line: MetricRecord) -> None:
        """Print the line."""
        print(json.dumps(line), flush=True)


class Plain(Quiet):
    """One line per epoch, but of many short ones a few, and more within long epochs.

    For files and pipes.
    """

    def __init__(self) -> None:
        self._due: float | None = None
        self._epochs = EpochLines(
            lambda record, mark: print(f"{epoch_text(record)}{mark}", flush=True)
        )

    def note(self, text: str) -> None:
        """Print the sentence."""
        print(plain(text), flush=True)

    def line(self, line: MetricRecord) -> None:
        """Print the end of an epoch."""
        if line["kind"] == "epoch":
            self._epochs.add(line)
            self._due = time.monotonic() + NEXT_LINE

    def close(self) -> None:
        """Print the epochs that were left out and count."""
        self._epochs.end()

    def step(self, stats: StepStats) -> None:
        """Print the share of the epoch that is done, after some seconds and then every minute."""
        now = time.monotonic()
        if self._due is None:
            self._due = now + FIRST_LINE
        elif now >= self._due:
            self._due = now + NEXT_LINE
            done = f"epoch {stats.epoch}/{stats.epochs}  {stats.share:.0%}"
            print(f"{done}  about {clock(stats.seconds_left)} left", flush=True)


class LiveBar:
    """A progress bar per epoch, replaced by the epoch's line at its end.

    The cursor is hidden from the first step to `close`, not earlier: errors in the recipe or the
    data end the program without `close`.
    """

    def __init__(self, console: CleanConsole | None = None) -> None:
        self.console = console or CleanConsole()
        self._live = CleanLive(self.console, transient=True)
        self._shown = 0.0
        self._epochs = EpochLines(self._print)

    def note(self, text: str) -> None:
        """Print the sentence above the bar, or above what is shown before the first step."""
        self.console.say(text)

    def warn(self, text: str) -> None:
        """As `note`."""
        self.console.say(f"thriftnet: {text}")

    def step(self, stats: StepStats) -> None:
        """Redraw, at most ten times a second."""
        if time.monotonic() - self._shown >= 0.1:
            self._shown = time.monotonic()
            self._live.start()
            self._live.update(live_text(stats, self.console.width), refresh=True)

    def line(self, line: MetricRecord) -> None:
        """Print the end of an epoch above the bar."""
        if line["kind"] == "epoch":
            self._live.update(Text(""))
            self._epochs.add(line)

    def close(self) -> None:
        """Print the epochs that were left out and count, and remove the bar."""
        self._epochs.end()
        self._live.stop()

    def _print(self, record: MetricRecord, mark: str) -> None:
        text = epoch_text(record, width=self.console.width - len(mark))
        self.console.say(f"{text}{mark}")


def choose_progress(*, quiet: bool = False, as_json: bool = False) -> Progress:
    """The display that suits standard output; only the main process prints."""
    if not is_first():
        return Quiet()
    if as_json:
        return JsonLines()
    if quiet:
        return Quiet()
    return LiveBar() if sys.stdout and sys.stdout.isatty() else Plain()
