"""What the tests of commands share."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from thriftnet.cli import app, main

NARROW = ("--set", "schedule.warmup_epochs=0", "--set", "model.channels=[4,8,16]")
"""`smoke`, a quarter as wide: 10,000 test images take a second."""
SHORT = (
    *("--set", "data.fraction=0.1", "--set", "train.epochs=0.2", "--set", "train.batch_size=50"),
    *NARROW,
)
"""18 steps of it with 900 images."""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line of an expected error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Command = Callable[..., Outcome]


@functools.cache
def application() -> Any:
    """All commands, as click has them; making them takes 50 ms, and hundreds of cases look."""
    return get_command(app)


def in_this_process(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: Callable[[], None] = main,
) -> Command:
    """A call that runs a command and catches what it prints."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["thriftnet", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        changed = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = {number: signal.getsignal(number) for number in changed}
        try:
            program()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:  # a program changes them for good, and this process goes on
            for number, handler in handlers.items():
                signal.signal(number, handler)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
