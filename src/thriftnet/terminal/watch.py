"""Prints the state of a run in a few lines, with sparklines of its metrics."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from thriftnet.commands import command
from thriftnet.plain import plain
from thriftnet.runs.advice import failure_reason, retrain_advice
from thriftnet.runs.contention import is_large
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.live import LiveRun, read_live_run
from thriftnet.runs.metrics_log import is_figure
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.table import clock
from thriftnet.terminal.text import fit, shortened, terminal_width, whole
from thriftnet.training.progress import epoch_text

_BARS = "▁▂▃▄▅▆▇█"
_LEAST_NAME = 16
"""Least columns of a name on the line of the progress."""
_WIDEST_CHART = 120
_OTHER_WORK = "other work, CPU"
_SERIES = (
    ("train loss", "train_loss", "loss", "{:.4f}"),
    ("train accuracy", "train_accuracy", "accuracy", "{:.2%}"),
    ("val loss", "val_loss", None, "{:.4f}"),
    ("val accuracy", "val_accuracy", None, "{:.2%}"),
    ("learning rate", "learning_rate", "learning_rate", "{:.3g}"),
    ("images/s", "images_per_second", "images_per_second", "{:.0f}"),
    (_OTHER_WORK, "cpu_contention", "cpu_contention", "{:.0%}"),
)
"""Name, key in an epoch's line, key in the status, format."""
_ABOUT = {
    "starting": "has not finished its first step",
    "silent": "no update for a while: killed, or very slow; resume with: {resume}",
    "interrupted": "interrupted; resume with: {resume}",
    "failed": "failed: {reason}; {anew}",
}


def sparkline(values: list[float], *, width: int) -> str:
    """Draw the latest `width` values as bars."""
    shown = values[-width:]
    if not shown:
        return ""
    least, largest = min(shown), max(shown)
    scale = (len(_BARS) - 1) / (largest - least) if largest > least else 0.0
    return "".join(_BARS[round((value - least) * scale)] for value in shown)


def live_lines(live: LiveRun, *, width: int) -> list[str]:
    """Format the state, a progress bar, and a line per known metric.

    Args:
        live: The run.
        width: Maximum columns of a line; sparklines have at most `_WIDEST_CHART`.
    """
    lines = _headline(live, width)
    for name, key, now, form in _SERIES:
        values = live.series(key)
        latest = live.status.get(now) if now else None
        if is_figure(latest):
            values = [*values, float(latest)]
        if name == _OTHER_WORK and not any(map(is_large, values)):
            continue
        if values:
            start = f"{name:<15}{form.format(values[-1]):>8}  "
            room = min(width, _WIDEST_CHART) - len(start)
            lines.append(start + sparkline(values, width=max(1, room)))
    if live.test:
        lines.append(f"{'test accuracy':<15}{live.test['accuracy']:>8.2%}")
    about = _ABOUT.get(live.state)
    if about:
        resume = command("train", "--resume", live.path)
        reason = failure_reason(live.last)
        anew = retrain_advice(RunFolder(live.path)) if live.state == "failed" else ""
        lines += whole(plain(about.format(resume=resume, reason=reason, anew=anew)), width)
    return lines


def _headline(live: LiveRun, width: int) -> list[str]:
    """The name and how far the run is; the name is shortened, or is on the line above."""
    name, told = plain(live.name), _progress(live)
    room = width - cell_len(told) - 2
    if cell_len(name) > room >= _LEAST_NAME:
        (name,) = shortened([name], room)
    if cell_len(name) > room:
        return [*shortened([name], max(_LEAST_NAME, width)), fit(told, width).rstrip()]
    return [f"{name}  {told}"]


def _progress(live: LiveRun) -> str:
    status = live.status
    if not status:
        done = live.epochs[-1] if live.epochs else {}
        return f"{live.state}  epoch {done['epoch']}/{done['epochs']}" if done else live.state
    filled = round(12 * min(1.0, max(0.0, status["share"])))
    bar = "━" * filled + "╌" * (12 - filled)
    left = clock(status["seconds_left"])
    return f"{live.state}  epoch {status['epoch']}/{status['epochs']} {bar}  {left} left"


def follow(path: Path, *, stay: bool = False, pause: Callable[[float], None] = time.sleep) -> None:
    """Show a run until it is over; on a terminal in place, elsewhere one line per epoch.

    Args:
        path: A run folder.
        stay: Continue after the end, until Ctrl-C.
        pause: Sleeps for some seconds.

    Raises:
        RunError: There is no run at `path`, or its metrics are damaged.
    """
    console = CleanConsole()
    printed = 0
    live = read_live_run(path)
    display = CleanLive(console) if console.is_terminal else None
    with display or contextlib.nullcontext():
        while True:
            if display:
                lines = live_lines(live, width=terminal_width(otherwise=80))
                display.update(Text("\n".join(lines)), refresh=True)
            for line in live.epochs[printed:] if not display else ():
                print(epoch_text(line), flush=True)
            printed = len(live.epochs)
            if live.over and not stay:
                break
            pause(1.0)
            live = read_live_run(path)
    if not display:
        print("\n".join(live_lines(live, width=terminal_width())))


def follow_json(path: Path, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Print the lines of a run's metrics, as JSON, until it is over.

    Raises:
        RunError: There is no run at `path`, or its metrics are damaged.
    """
    run, printed = RunFolder.open(path), 0
    while True:
        over = read_live_run(path).over  # before the lines: none is written after
        lines = run.metrics()
        for line in lines[printed:]:
            print(json.dumps(line), flush=True)
        printed = len(lines)
        if over:
            return
        pause(1.0)
