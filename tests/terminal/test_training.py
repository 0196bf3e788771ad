"""The line of a command gives way to the display of its training, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from step_stats import MOMENT
from thriftnet.terminal.training import TrainingProgress
from thriftnet.terminal.work import working

NextLine = Callable[[], str]


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
