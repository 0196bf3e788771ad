"""What a training run says while it goes on: live, plain, as JSON lines, or nothing."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from thriftnet.plain import plain, to_stderr
from thriftnet.runs.contention import contention_text
from thriftnet.runs.folder import MetricRecord
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.training.distributed.ranks import is_first


@dataclass(frozen=True)
class StepStats:
    """Where a run stands, after a step."""

    epoch: int
    """Counted from 1."""
    epochs: int
    share: float
    """Of this epoch, in [0, 1]."""
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    seconds_left: float
    """Of the whole run, at the rate of this epoch."""
    cpu_contention: float | None = None
    """Share of the CPU time that this training asked for and other work took, in this epoch; none:
    not known."""


class Progress(Protocol):
    """What the loop tells; each method returns at once."""

    def note(self, text: str) -> None:
        """A sentence worth knowing."""
        ...

    def warn(self, text: str) -> None:
        """Something that went wrong and does not stop the run."""
        ...

    def step(self, stats: StepStats) -> None:
        """After every step."""
        ...

    def line(self, line: MetricRecord) -> None:
        """A line that went into metrics.jsonl."""
        ...

    def close(self) -> None:
        """The run is over, well or not."""
        ...


class ForwardingProgress:
    """Tells another progress what it is told; a subclass does something beside that."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def note(self, text: str) -> None:
        """A sentence worth knowing."""
        self.progress.note(text)

    def warn(self, text: str) -> None:
        """Something that went wrong."""
        self.progress.warn(text)

    def step(self, stats: StepStats) -> None:
        """After every step."""
        self.progress.step(stats)

    def line(self, line: MetricRecord) -> None:
        """A line that went into the metrics."""
        self.progress.line(line)

    def close(self) -> None:
        """The training goes on no longer."""
        self.progress.close()


class Lasting:
    """Tells another progress what it is told, until that fails: no display is worth a training."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        """A sentence worth knowing."""
        self._try(lambda: self._progress.note(text))

    def warn(self, text: str) -> None:
        """Something that went wrong."""
        self._try(lambda: self._progress.warn(text))

    def step(self, stats: StepStats) -> None:
        """After every step."""
        self._try(lambda: self._progress.step(stats))

    def line(self, line: MetricRecord) -> None:
        """A line that went into the metrics."""
        self._try(lambda: self._progress.line(line))

    def close(self) -> None:
        """The training goes on no longer."""
        self._try(self._progress.close)

    def _try(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except (Exception, SystemExit) as fault:  # rich ends the program at a closed pipe
            self._progress = Silent()
            with contextlib.suppress(Exception):
                reason = (str(fault).splitlines() or [""])[0] or type(fault).__name__
                Quiet().warn(f"progress display stopped ({reason}); training continues")


class Quiet:
    """Says nothing but warnings."""

    def note(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Print the sentence where errors go."""
        to_stderr(f"thriftnet: {text}")

    def step(self, stats: StepStats) -> None:
        """Nothing."""

    def line(self, line: MetricRecord) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Silent(Quiet):
    """Says nothing at all."""

    def warn(self, text: str) -> None:
        """Nothing."""


class JsonLines(Quiet):
    """The lines of metrics.jsonl on standard output, as they come."""

    def line(self, line: MetricRecord) -> None:
        """Print the line."""
        print(json.dumps(line), flush=True)


class Plain(Quiet):
    """One line an epoch, for files and pipes."""

    def note(self, text: str) -> None:
        """Print the sentence."""
        print(plain(text), flush=True)

    def line(self, line: MetricRecord) -> None:
        """Print the end of an epoch."""
        if line["kind"] == "epoch":
            print(epoch_text(line), flush=True)


class LiveBar:
    """A bar that follows the epoch; its last state stays as the epoch's line.

    The terminal's cursor is hidden from the first step to `close`, and not before: a mistake in
    the recipe or the data ends the program without `close`.
    """

    def __init__(self, console: CleanConsole | None = None) -> None:
        self.console = console or CleanConsole()
        self._live = CleanLive(self.console, transient=True)
        self._shown = 0.0

    def note(self, text: str) -> None:
        """Print the sentence above the bar."""
        self._live.console.print(plain(text))

    def warn(self, text: str) -> None:
        """Print the sentence above the bar."""
        self._live.console.print(plain(f"thriftnet: {text}"))

    def step(self, stats: StepStats) -> None:
        """Redraw, at most ten times a second."""
        if time.monotonic() - self._shown >= 0.1:
            self._shown = time.monotonic()
            self._live.start()
            self._live.update(_fit(stats, self.console.width), refresh=True)

    def line(self, line: MetricRecord) -> None:
        """Print the end of an epoch above the bar."""
        if line["kind"] == "epoch":
            self._live.update(Text(""))
            text = epoch_text(line, width=self.console.width)
            self._live.console.print(text)

    def close(self) -> None:
        """Take the bar away."""
        self._live.stop()


def choose_progress(*, quiet: bool = False, as_json: bool = False) -> Progress:
    """The form that suits where standard output goes; of several processes one speaks."""
    if not is_first():
        return Quiet()
    if as_json:
        return JsonLines()
    if quiet:
        return Quiet()
    return LiveBar() if sys.stdout and sys.stdout.isatty() else Plain()


def epoch_text(line: MetricRecord, *, width: int = 100) -> str:
    """The end of an epoch in one line; in a narrow window the last parts go first."""
    parts = [
        f"epoch {line['epoch']}/{line['epochs']}",
        f"  loss {line['train_loss']:.4f}",
        f"  train acc {line['train_accuracy']:.1%}",
        f"  {clock(line['seconds'])}",
        *_spaced(contention_text(line.get("cpu_contention")), "  "),
        f"  {line['images_per_second']:.0f} img/s",
        f"  lr {line['learning_rate']:.2g}",
    ]
    if line.get("val_accuracy") is not None:
        parts.insert(3, f"  val acc {line['val_accuracy']:.1%}")
    return "".join(_that_fit(parts, width))


def _spaced(text: str, space: str) -> list[str]:
    return [space + text] if text else []


def _that_fit(parts: list[str], width: int) -> list[str]:
    kept, used = parts[:1], len(parts[0])
    for part in parts[1:]:
        used += len(part)
        if used >= width:
            break
        kept.append(part)
    return kept


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss, or m:ss below an hour."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _fit(stats: StepStats, width: int) -> Text:
    """The live line; in a narrow window the last parts go first."""
    bar = 16
    filled = round(bar * stats.share)
    parts = [
        f"epoch {stats.epoch}/{stats.epochs} ",
        "━" * filled + "╌" * (bar - filled),
        f" loss {stats.loss:.3f}",
        f" acc {stats.accuracy:.3f}",
        f" {clock(stats.seconds_left)} left",
        *_spaced(contention_text(stats.cpu_contention), " "),
        f" {stats.images_per_second:.0f} img/s",
        f" lr {stats.learning_rate:.2g}",
    ]
    text = Text(no_wrap=True)
    for part in _that_fit(parts, width):
        text.append(part, style="green" if part[0] in "━╌" else "")
    return text
