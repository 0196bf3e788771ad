"""The line of a command gives way to the display of its training, and comes back."""

from __future__ import annotations

import time

import pytest

from step_stats import MOMENT
from thriftnet.terminal import work
from thriftnet.terminal.training import TrainingProgress
from thriftnet.terminal.work import SWITCH, working


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(work, "_WAITS", (0.0, 60.0))


def test_a_training_for_people_has_its_own_display(capsys: pytest.CaptureFixture[str]) -> None:
    with working("preparing") as doing:
        progress = TrainingProgress(doing, then="judging")
        time.sleep(0.3)
        for _ in range(2):
            progress.step(MOMENT)
        time.sleep(0.3)
        first = capsys.readouterr().err.splitlines()
        progress.close()
        time.sleep(0.3)
    assert [line.partition("  ")[0] for line in first] == ["thriftnet: preparing"]
    assert capsys.readouterr().err.startswith("thriftnet: judging")


def test_one_whose_output_is_json_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with working("preparing") as doing:
        progress = TrainingProgress(doing, as_json=True)
        progress.step(MOMENT)
        time.sleep(0.3)
        progress.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("thriftnet: training, epoch 1/2, about 0:09 left  0:00")
