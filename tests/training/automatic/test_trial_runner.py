"""What the outcomes of trials decide; the trials themselves are made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phases_shown import Shown
from thriftnet.data import OpenDataset
from thriftnet.phases import Count, show_phases
from thriftnet.recipe import Recipe
from thriftnet.recipe.chosen import Cost, Facts, Network
from thriftnet.recipe.rules import LIGHT, MIRRORED, TURNED, WEIGHTED, Arm, TrialShape
from thriftnet.training.automatic import trial_runner
from thriftnet.training.automatic.remaining_budget import RemainingBudget
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.automatic.trial_runner import TrialRunner
from thriftnet.training.automatic.trials import Outcome

NETWORK = Network({"family": "speednet"}, 32, Cost(10**6, 10**5))
IMAGES = 200


def cost_of(model: Mapping[str, Any], side: int) -> Cost:
    del model, side
    return NETWORK.cost


def taken(
    monkeypatch: pytest.MonkeyPatch, arms: Sequence[Arm], right: Sequence[int]
) -> tuple[list[str], list[Recipe], str]:
    """Names of the arms that are taken if the trials have so many of 200 images right, in turn."""
    tried: list[Recipe] = []

    def outcome(recipe: Recipe, data: Any, *, repeats: int, count: Count) -> Outcome:
        del data, repeats
        count(1, 2)
        tried.append(recipe)
        labels = np.arange(IMAGES) % 2
        return Outcome(np.arange(IMAGES) < right[len(tried) - 1], labels.astype(np.int64))

    monkeypatch.setattr(trial_runner, "run_trial", outcome)

    def open_at(side: int) -> OpenDataset:
        del side
        return None

    said: list[str] = []
    runner = TrialRunner(
        AutoRequest(Path("own"), seconds=None, operations=1e15),
        TrialShape(val_ratio=0.2, fraction=1.0, images=800, repeats=1, operations=1e12),
        open_at,
        cost_of,
        Facts(1000, 32, True, 1e14),
        RemainingBudget(began=0.0, seconds=None, operations=1e15),
        None,
        said.append,
    )
    shown = Shown()
    with show_phases(shown):
        assert runner.run(NETWORK, None, arms) is NETWORK
    names = ["from scratch", *(arm.name for arm in arms)]
    trials = enumerate(names[: len(tried)], 1)
    most = len(names)
    assert shown.told[::2] == [f"trial {at} of at most {most}, {name}" for at, name in trials]
    assert set(shown.told[1::2]) == {"1/2"}  # each counts its steps
    return runner.taken, tried, "\n".join(said)


def test_any_gain_by_a_symmetry_counts_and_no_small_one_by_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, tried, said = taken(monkeypatch, (MIRRORED, LIGHT), (150, 151, 152))
    assert names == [MIRRORED.name]
    assert tried[2].augment.flip == "random"  # on top of what was taken
    assert "+0.005" in said
    assert "not taken, within noise" in said


@pytest.mark.parametrize("right", [150, 149, 100])
def test_a_symmetry_without_a_gain_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, right: int
) -> None:
    assert taken(monkeypatch, (MIRRORED, TURNED), (150, right, right))[0] == []


def test_a_large_gain_counts_whatever_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taken(monkeypatch, (LIGHT, WEIGHTED), (100, 150, 120))[0] == [LIGHT.name]
