"""How often a checkpoint is written, by a clock that stands still unless it is moved."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from clocks import Clock
from small import small_recipe
from thriftnet.training import checkpoints
from thriftnet.training.checkpoints import Checkpoints


class Writing(Clock):
    """A run's folder whose writing takes as long as it is told to."""

    def __init__(self, takes: float) -> None:
        self.takes = takes
        self.written: list[float] = []

    def save_state(self, state: object) -> None:
        self.written.append(self.now)
        self.now += self.takes


def begin(clock: Writing, monkeypatch: pytest.MonkeyPatch, *, is_main: bool = True) -> Checkpoints:
    monkeypatch.setattr(checkpoints, "time", clock)
    plan: Any = SimpleNamespace(processes=SimpleNamespace(is_main=is_main), data={})
    state: Any = SimpleNamespace(to_checkpoint=dict)
    run: Any = clock
    return Checkpoints(small_recipe(), plan, state, run)


@pytest.mark.parametrize(("takes", "epochs"), [(0.001, 30), (0.1, 8), (5.0, 1)])
def test_ends_of_epochs_cost_half_a_percent_at_most(
    takes: float, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Writing(takes)
    kept = begin(clock, monkeypatch)
    for _ in range(30):
        clock.now += 5.0
        kept.after_epoch()
    assert len(clock.written) == epochs
    assert len(clock.written) * takes <= takes + 0.005 * (clock.now - 1000)


def test_long_epoch_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Writing(0.1)
    kept = begin(clock, monkeypatch)
    for _ in range(500):  # steps of a second
        clock.now += 1.0
        kept.within_epoch()
    assert len(clock.written) == 4
    assert all(later - earlier <= 122 for earlier, later in pairwise(clock.written))


def test_first_process_alone_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Writing(0.1)
    begin(clock, monkeypatch, is_main=False).write()
    assert clock.written == []
