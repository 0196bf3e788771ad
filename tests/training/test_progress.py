"""The live bar leaves a terminal as it found it."""

from __future__ import annotations

import io

import pytest

from thriftnet.screen import CleanConsole
from thriftnet.training.progress import LiveBar, StepStats

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
MOMENT = StepStats(
    epoch=1,
    epochs=2,
    share=0.5,
    loss=1.0,
    accuracy=0.5,
    learning_rate=0.1,
    images_per_second=100.0,
    seconds_left=9.0,
)


@pytest.fixture
def terminal() -> CleanConsole:
    return CleanConsole(file=io.StringIO(), force_terminal=True, width=80)


def written(terminal: CleanConsole) -> str:
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()


def test_the_cursor_stays_where_no_step_is_taken(terminal: CleanConsole) -> None:
    """As with a wrong key: nobody closes the bar, and the shell's cursor would be gone."""
    bar = LiveBar(terminal)
    bar.note("CIFAR-10: reading images")
    assert HIDE not in written(terminal)


def test_the_cursor_comes_back_after_the_steps(terminal: CleanConsole) -> None:
    bar = LiveBar(terminal)
    bar.step(MOMENT)
    assert "epoch 1/2" in written(terminal)
    assert HIDE in written(terminal)
    bar.close()
    assert written(terminal).rindex(SHOW) > written(terminal).rindex(HIDE)


@pytest.mark.parametrize("path", ["runs/a[b]", "data/[/old]/cifar"])
def test_brackets_of_a_path_are_printed(terminal: CleanConsole, path: str) -> None:
    LiveBar(terminal).note(f"run folder: {path}")
    assert f"run folder: {path}" in written(terminal)
