"""The line of a command gives way to the display of its training, and comes back."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from step_stats import MOMENT
from thriftnet.terminal.training import TrainingProgress
from thriftnet.terminal.work import working

NextLine = Callable[[], str]
NOTES = """
import sys
from thriftnet.terminal.output import guarded_streams
from thriftnet.terminal.training import TrainingProgress
from thriftnet.terminal.work import working
with guarded_streams(), working("loading photos") as doing:
    progress = TrainingProgress(doing)
    sys.stdin.readline()
    progress.note("photos: class folders, 1,000 pictures of 3 classes")
    progress.warn("left out: /photos/" + "long" * 12 + ".jpg")
    print("printed", flush=True)
    sys.stdin.readline()
"""
"""Goes on when its display was seen."""


def test_a_training_for_people_has_its_own_display(clock: Any, next_line: NextLine) -> None:
    with working("preparing") as doing:
        progress = TrainingProgress(doing, then="judging")
        clock.now += 1
        assert next_line() == "thriftnet: preparing  0:01\n"
        for _ in range(2):
            progress.step(MOMENT)
        clock.now += 60
        progress.close()
        clock.now += 1
        assert next_line() == "thriftnet: judging  0:01\n"


def test_one_whose_output_is_json_says_how_far_it_is(
    clock: Any, next_line: NextLine, capsys: pytest.CaptureFixture[str]
) -> None:
    with working("preparing") as doing:
        progress = TrainingProgress(doing, as_json=True)
        progress.step(MOMENT)
        assert capsys.readouterr().out == ""
        clock.now += 1
        assert next_line() == "thriftnet: training, epoch 1/2, about 0:09 left  0:01\n"
        progress.close()


def test_notes_stand_above_the_line_that_says_what_is_done() -> None:
    """They were once appended to it, and broken within words."""
    master, slave = pty.openpty()
    told = b""
    with subprocess.Popen(
        [sys.executable, "-c", NOTES],
        stdin=subprocess.PIPE,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "40", "THRIFTNET_PROGRESS": "1"},
    ) as process:
        os.close(slave)
        assert process.stdin
        for text in (b"loading photos", b"printed"):
            while text not in told:
                told += os.read(master, 2**16)
            process.stdin.write(b"\n")
            process.stdin.flush()
    os.close(master)
    lines = told.decode().replace("\x1b[2K", "\r").replace("\r", "\n").splitlines()
    for line in (
        "photos: class folders, 1,000 pictures of",
        "    3 classes",
        "thriftnet: left out:",
        f"    /photos/{'long' * 12}.jpg",
        "printed",
    ):
        assert line in lines
