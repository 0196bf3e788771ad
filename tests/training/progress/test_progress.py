"""The live bar leaves a terminal as it found it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest

from step_stats import MOMENT
from thriftnet.screen import CleanConsole
from thriftnet.training.progress import (
    LiveBar,
    choose_progress,
    displays,
    epoch_lines,
    epoch_text,
)

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


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


EPOCH: dict[str, Any] = {
    "epoch": 1, "epochs": 12, "train_loss": 1.5, "train_accuracy": 0.5, "seconds": 22.0,
    "images_per_second": 1470.0, "learning_rate": 0.21,
}  # fmt: skip


@pytest.mark.parametrize(
    ("share", "told"), [(0.333, "  0:22  other work 33%  1470 img/s"), (0.05, "  0:22  1470 img/s")]
)
def test_a_large_share_of_other_work_is_told(
    terminal: CleanConsole, share: float, told: str
) -> None:
    assert told in epoch_text({**EPOCH, "cpu_contention": share}, width=120)
    bar = LiveBar(terminal)
    bar.step(replace(MOMENT, cpu_contention=share))
    assert ("other work 33%" in written(terminal)) == (share > 0.1)


def test_a_line_of_an_earlier_version_tells_nothing_of_other_work() -> None:
    assert epoch_text(EPOCH) == epoch_text({**EPOCH, "cpu_contention": None})


def test_a_log_says_in_the_first_seconds_how_long_it_takes_and_no_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(displays.time, "monotonic", lambda: now[0])
    progress = choose_progress()
    for seconds in range(90):
        now[0] = 100.0 + seconds
        progress.step(MOMENT)
    assert capsys.readouterr().out.splitlines() == ["epoch 1/2  50%  about 0:09 left"] * 2
    progress.line({"kind": "epoch", **EPOCH})
    now[0] += 50
    progress.step(MOMENT)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("on_terminal", [False, True])
def test_many_short_epochs_are_a_line_a_second_and_the_best_and_the_last(
    on_terminal: bool,
    terminal: CleanConsole,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """77 epochs in 24 seconds; the metrics have all of them."""
    now = [100.0]
    monkeypatch.setattr(epoch_lines.time, "monotonic", lambda: now[0])
    progress = LiveBar(terminal) if on_terminal else choose_progress()
    for epoch in range(1, 78):
        accuracy = 0.9 if epoch == 63 else 0.5 + epoch / 1000
        line = {**EPOCH, "epoch": epoch, "epochs": 77, "val_accuracy": accuracy}
        progress.line({"kind": "epoch", **line})
        now[0] += 24 / 77
    progress.line({"kind": "end"})
    progress.close()
    progress.close()
    text = written(terminal) if on_terminal else capsys.readouterr().out
    shown = [int(each) for each in re.findall(r"epoch (\d+)/77", text)]
    assert shown == [*range(1, 78, 4), 63]  # the 77th came a second after the 73rd
    assert re.search(r"epoch 63/77 .*  best\n", text.replace("\r", ""))
    assert text.count("  best") == 1


def test_a_best_epoch_that_was_shown_is_not_shown_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(epoch_lines.time, "monotonic", lambda: now[0])
    progress = choose_progress()
    for epoch in range(1, 4):
        progress.line({"kind": "epoch", **EPOCH, "epoch": epoch, "val_accuracy": 0.1 * epoch})
        now[0] += 60
    progress.close()
    assert [line[:10] for line in capsys.readouterr().out.splitlines()] == [
        "epoch 1/12", "epoch 2/12", "epoch 3/12",
    ]  # fmt: skip
