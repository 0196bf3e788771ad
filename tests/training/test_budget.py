"""Epochs for a budget of time or operations."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from clocks import processor_clock, still_clock
from small import opened, small_recipe, use_images
from thriftnet.errors import RecipeError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training.budget import (
    Budget,
    MeasuredCosts,
    deadline_of,
    fit_to_budget,
    measure_pace,
    parse_duration,
    parse_operations,
    parse_parameters,
)
from thriftnet.training.loop import fit
from thriftnet.training.progress import Quiet, StepStats
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import make_plan, make_state, recipe_network
from thriftnet.training.start import start_run

RECIPE = small_recipe(schedule={"warmup_epochs": 0.6, "cosine_epochs": 2.4})
MODEL = recipe_network(RECIPE, classes=10)
PLAN = make_plan(RECIPE, opened(), MODEL)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400), (" 2 m ", 120)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "operations"), [("0.3P", 3e14), ("300T", 3e14), ("2G", 2e9)])
def test_operations(text: str, operations: float) -> None:
    assert parse_operations(text) == pytest.approx(operations)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0m", "5 minutes", "1e3s", "5M"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(RecipeError, match="is not a budget such as 90s, 5m or 1.5h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "count"), [("5M", 5_000_000), ("800k", 800_000), ("1.5M", 1_500_000), ("1234", 1234)]
)
def test_parameters(text: str, count: int) -> None:
    assert parse_parameters(text) == count


def test_no_number_of_parameters_is_too_large() -> None:
    assert parse_parameters("9" * 400) == 2**53


@pytest.mark.parametrize("text", ["", "0", "-1", "5G", "many", "5MM"])
def test_what_is_no_number_of_parameters(text: str) -> None:
    with pytest.raises(RecipeError, match="--max-params .* is not a budget such as 800k or 5M"):
        parse_parameters(text)


def test_a_capped_budget_buys_no_more_than_the_recipe_has() -> None:
    an_epoch = 6 * PLAN.macs * len(PLAN.images)
    capped = Budget(operations=100 * an_epoch, capped=True)
    assert fit_to_budget(RECIPE, PLAN, capped, None) == RECIPE
    less = fit_to_budget(RECIPE, PLAN, Budget(operations=2 * an_epoch, capped=True), None)
    assert less.train.epochs == 2


def test_time_is_kept_for_the_test_images_that_there_are() -> None:
    pace = MeasuredCosts(train_image=0.01, infer_image=0.001)
    few = Budget(seconds=100, began=0.0, test_views=8, test_images=500, reopening=3.0)
    assert deadline_of(few, pace) == pytest.approx(97 - 8 * 500 * 0.001 - 3)


def test_operations_buy_epochs_and_the_schedule_keeps_its_shape() -> None:
    an_epoch = 6 * PLAN.macs * len(PLAN.images)
    found = fit_to_budget(RECIPE, PLAN, Budget(operations=6 * an_epoch), None)
    assert found.train.epochs == 6
    assert found.schedule.warmup_epochs == pytest.approx(1.2)
    assert found.schedule.cosine_epochs == pytest.approx(4.8)


def test_time_pays_for_training_validation_and_evaluation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    still_clock(monkeypatch)
    pace = MeasuredCosts(train_image=0.01, infer_image=0.0001)
    budget = Budget(seconds=100, began=time.monotonic(), test_views=6)
    found = fit_to_budget(RECIPE, PLAN, budget, pace)
    cost = found.train.epochs * (50 * 0.01 + 10 * 0.0001) + 10_000 * 6 * 0.0001
    assert 96 < cost <= 97
    assert deadline_of(budget, pace) - budget.began == pytest.approx(97 - 6)


def test_a_run_of_nothing_but_warm_up_stays_one() -> None:
    """The scaled warm-up is rounded, and must not be longer than the epochs by that."""
    recipe = small_recipe(schedule={"warmup_epochs": 7}, train={"epochs": 7})
    for steps in range(1, 200):
        budget = Budget(operations=float(PLAN.operations(steps)))
        found = fit_to_budget(recipe, PLAN, budget, None)
        assert found.schedule.warmup_epochs == pytest.approx(found.train.epochs)


@pytest.mark.parametrize("scale", [0.08, 0.3, 0.5, 1.0, 2.0, 7.3])
def test_the_epochs_over_all_and_over_small_images_change_in_proportion(scale: float) -> None:
    train = {
        "epochs": 12, "full_epochs": 4, "hard_fraction": 0.5, "sizes": [[2, 16], [4, 24]],
        "batch_size": 5,
    }  # fmt: skip
    recipe = small_recipe(train=train, schedule={"name": "linear"})
    plan = make_plan(recipe, opened(), MODEL)
    whole = plan.operations(plan.total_steps)
    found = fit_to_budget(recipe, plan, Budget(operations=whole * scale), None)
    bought = make_plan(found, opened(), MODEL)
    a_step = 6 * PLAN.macs * 5
    assert whole * scale - a_step < bought.operations(bought.total_steps) <= whole * scale
    share = found.train.epochs / 12
    assert found.train.full_epochs == pytest.approx(max(1, 4 * share), abs=1)
    assert bought.sizes.side(math.ceil(found.train.epochs) - 1) == 32
    assert len(found.train.sizes) == (2 if share > 0.3 else 1 if share > 0.13 else 0)
    if scale == 1:
        assert found == recipe


def test_no_budget_is_too_large() -> None:
    endless = Budget(operations=parse_operations("9" * 400 + "P"))
    assert fit_to_budget(RECIPE, PLAN, endless, None).train.epochs > 1e12
    shaped = small_recipe(train={"full_epochs": 1, "hard_fraction": 0.5, "sizes": [[1, 16]]})
    assert fit_to_budget(shaped, make_plan(shaped, opened(), MODEL), endless, None).train.sizes


def test_the_tighter_budget_decides() -> None:
    an_epoch = 6 * PLAN.macs * len(PLAN.images)
    both = Budget(seconds=1e6, operations=2 * an_epoch, began=time.monotonic())
    assert fit_to_budget(RECIPE, PLAN, both, MeasuredCosts(0.001, 0.0001)).train.epochs == 2


@pytest.mark.parametrize("budget", [Budget(operations=1.0), Budget(seconds=1.0, test_views=6)])
def test_budget_below_one_step_is_refused(budget: Budget) -> None:
    with pytest.raises(RecipeError, match="does not allow one step"):
        fit_to_budget(RECIPE, PLAN, budget, MeasuredCosts(0.01, 0.01))


def test_measured_pace_is_positive_and_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thriftnet.training.budget._CALIBRATION_SECONDS", 0.3)
    processor_clock(monkeypatch)
    state = make_state(RECIPE, PLAN, recipe_network(RECIPE, classes=10))
    pace = measure_pace(PLAN, state)
    assert 0 < pace.infer_image < 1
    assert 0 < pace.train_image < 1


def test_a_run_that_would_be_late_takes_fewer_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = still_clock(monkeypatch)
    recipe = small_recipe(train={"epochs": 300})
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), model)
    state = make_state(recipe, plan, model)
    state.seconds = 0.05  # as if the first step had taken that long

    class Dawdle(Quiet):
        """Makes every step take far longer than planned."""

        def step(self, stats: StepStats) -> None:
            clock.now += 0.05

    run = create_run(tmp_path / "run", recipe, {})
    recorder = Recorder(recipe, plan, state, run, Dawdle())
    assert fit(plan, state, recorder, StopRequest(), deadline=clock.now + 1)
    assert run.finished
    assert plan.total_steps == 1200
    assert state.step == state.total_steps == 21  # of 0.05 s each; the last begins at the end
    assert run.metrics()[-1]["step"] == state.step


def test_a_length_that_is_not_what_was_said_is_told(tmp_path: Path) -> None:
    """The progress counts to fewer epochs than the budget bought: each change is said once."""
    recipe = small_recipe(train={"epochs": 60})
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), model)
    state = make_state(recipe, plan, model)
    told: list[str] = []

    class Noted(Quiet):
        def note(self, text: str) -> None:
            told.append(text)

    run = create_run(tmp_path / "run", recipe, {})
    recorder = Recorder(recipe, plan, state, run, Noted())
    for seconds, epochs in ((1.0, 30), (6.0, 58), (12.0, 44), (13.0, 30), (24.0, 44), (48.0, 55)):
        state.seconds, state.total_steps = seconds, plan.epochs.steps(epochs)
        recorder.tell_length()
    assert told == [
        "training has become slower: about 44 epochs fit the time budget",
        "training has become faster: about 55 epochs fit the time budget",  # still under 60
    ]


def test_a_slow_start_does_not_shorten_a_run_that_catches_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = still_clock(monkeypatch)
    recipe = small_recipe(train={"epochs": 20})
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), model)
    state = make_state(recipe, plan, model)
    state.seconds = 2.0  # as if the first step had taken that long: 80 of them take 160 s
    run = create_run(tmp_path / "run", recipe, {})
    planned: list[int] = []

    class Watch(Quiet):
        def step(self, stats: StepStats) -> None:
            planned.append(state.total_steps)
            clock.now += 0.01

    recorder = Recorder(recipe, plan, state, run, Watch())
    fit(plan, state, recorder, StopRequest(), deadline=clock.now + 30)
    assert min(planned) < plan.total_steps
    assert state.step == plan.total_steps


def test_a_budget_sets_the_epochs_of_a_run_and_of_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recipe of fewer steps than are timed, and of nothing but warm-up; both budgets at once."""
    use_images(monkeypatch)
    processor_clock(monkeypatch)
    monkeypatch.setattr("thriftnet.training.budget._CALIBRATION_SECONDS", 0.3)
    recipe = small_recipe(
        schedule={"name": "one_cycle", "warmup_epochs": 0.5}, train={"epochs": 0.5}
    )
    began = time.monotonic()
    affordable = float(PLAN.operations(26))
    both = Budget(seconds=60, operations=affordable, began=began, test_views=1)
    run = RunFolder.open(start_run(recipe, runs_dir=tmp_path, budget=both).path)
    end = run.metrics()[-1]
    assert (end["kind"], end["step"]) == ("end", 26)
    assert end["pflop"] * 1e15 == pytest.approx(affordable)
    assert run.recipe().train.epochs == 6.5
    hasty = Budget(seconds=3, began=time.monotonic(), test_views=0)
    run = RunFolder.open(start_run(recipe, name="b", runs_dir=tmp_path, budget=hasty).path)
    assert run.metrics()[-1]["step"] > 4
