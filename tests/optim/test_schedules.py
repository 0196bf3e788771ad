"""Schedules at their key points, and the authors' logged learning rates to eight digits."""

import math
from itertools import pairwise

import pytest

from thriftnet.optim.schedules import (
    build_schedule,
    constant,
    linear,
    one_cycle,
    step_decay,
    warmup_cosine,
)
from thriftnet.recipe import load_recipe

# Printed by the authors after each epoch's scheduler step: the rate of the epoch that follows.
AUTHORS = [
    0.00400000, 0.00600000, 0.00800000, 0.01000000, 0.01000000, 0.00999014, 0.00996061, 0.00991152,
    0.00984307, 0.00975553, 0.00964923, 0.00952461, 0.00938215, 0.00922242, 0.00904604, 0.00885371,
    0.00864620, 0.00842431, 0.00818893, 0.00794099, 0.00768145, 0.00741136, 0.00713177, 0.00684378,
    0.00654854, 0.00624721, 0.00594097, 0.00563104, 0.00531864, 0.00500500, 0.00469136, 0.00437896,
    0.00406903, 0.00376279, 0.00346146, 0.00316622, 0.00287823, 0.00259864, 0.00232855, 0.00206901,
    0.00182107, 0.00158569, 0.00136380, 0.00115629, 0.00096396, 0.00078758, 0.00062785, 0.00048539,
    0.00036077, 0.00025447,
]  # fmt: skip


def test_authors_recipe_has_the_learning_rates_they_logged():
    recipe = load_recipe("authors")
    steps = 391  # of 128 images among 50,000
    schedule = build_schedule(steps_per_epoch=steps, **recipe.schedule.model_dump())
    used = [[schedule(e * steps + i, 50 * steps) for i in (0, 195, 390)] for e in range(51)]
    assert all(len(set(epoch)) == 1 for epoch in used)  # held for an epoch
    rates = [round(recipe.optim.lr * epoch[0], 8) for epoch in used]
    assert rates == [0.002, *AUTHORS]


def test_paper_follows_its_own_formula_and_nears_its_floor():
    recipe = load_recipe("paper")
    schedule = build_schedule(steps_per_epoch=10, **recipe.schedule.model_dump())
    rates = [recipe.optim.lr * schedule(10 * epoch, 500) for epoch in range(50)]
    low, high = recipe.optim.lr * recipe.schedule.floor, recipe.optim.lr
    expected = [high * t / 5 for t in range(1, 6)]
    expected += [low + 0.5 * (high - low) * (1 + math.cos(t / 45 * math.pi)) for t in range(45)]
    assert rates == pytest.approx(expected, rel=1e-12)


def test_paper_sgd_decays_by_seven_tenths_every_three_epochs():
    recipe = load_recipe("paper-sgd")
    schedule = build_schedule(steps_per_epoch=7, **recipe.schedule.model_dump())
    assert [schedule(7 * e + 6, 350) for e in (0, 2, 3, 5, 6, 49)] == pytest.approx(
        [1, 1, 0.7, 0.7, 0.49, 0.7**16]
    )


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_warmup_cosine_at_its_key_points(floor: float):
    def at(step: int) -> float:
        return warmup_cosine(step, 100, warmup_steps=20, floor=floor)

    assert [at(0), at(9), at(19), at(20)] == pytest.approx([0.05, 0.5, 1, 1])
    assert at(60) == pytest.approx((1 + floor) / 2)
    assert at(100) == pytest.approx(floor)
    assert at(40) == pytest.approx(floor + (1 - floor) * (1 + math.sqrt(0.5)) / 2)


def test_cosine_with_its_own_period_stays_on_the_floor_afterwards():
    rates = [warmup_cosine(step, 100, cosine_steps=40, floor=0.2) for step in (0, 20, 40, 99)]
    assert rates == pytest.approx([1, 0.6, 0.2, 0.2])


@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_linear_at_its_key_points(floor: float):
    rates = [linear(step, 100, warmup_steps=20, floor=floor) for step in (0, 19, 20, 60, 100)]
    assert rates == pytest.approx([0.05, 1, 1, (1 + floor) / 2, floor])


def test_one_cycle_at_its_key_points():
    rates = [one_cycle(step, 100, peak_steps=40, floor=0.1) for step in (0, 20, 40, 70, 100)]
    assert rates == pytest.approx([0.04, 0.52, 1, 0.55, 0.1])


def test_step_decay_and_constant_at_their_key_points():
    rates = [step_decay(step, 1, every_steps=10, factor=0.5) for step in (0, 9, 10, 29, 30)]
    assert rates == [1, 1, 0.5, 0.25, 0.125]
    assert [constant(step, 10) for step in (0, 5, 9)] == [1, 1, 1]


FORMS = ["warmup_cosine", "step_decay", "linear", "one_cycle", "constant"]


@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("warmup_epochs", [0.0, 0.5, 2.0, 3.5])
@pytest.mark.parametrize("epochs", [3.5, 4.0])
def test_every_factor_of_every_schedule_is_in_range_and_free_of_state(
    name: str, interval: str, warmup_epochs: float, epochs: float
):
    schedule = build_schedule(
        name=name, steps_per_epoch=9, interval=interval, warmup_epochs=warmup_epochs, floor=0.01
    )
    total = round(epochs * 9)
    forwards = [schedule(step, total) for step in range(total)]
    assert [schedule(step, total) for step in reversed(range(total))] == forwards[::-1]
    assert all(0 < factor <= 1 for factor in forwards)
    if interval == "epoch":
        assert all(forwards[step] == forwards[step - step % 9] for step in range(total))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("warmup_epochs", [0.0, 4.0])
def test_steps_past_the_end_have_a_factor_as_well(name: str, warmup_epochs: float):
    """A budget's and the bench's timed steps may outnumber those of a short recipe."""
    schedule = build_schedule(name=name, steps_per_epoch=9, warmup_epochs=warmup_epochs)
    assert all(0 <= schedule(step, 36) <= 1 for step in range(200))


@pytest.mark.parametrize("name", ["warmup_cosine", "linear", "one_cycle"])
def test_no_jump_at_the_end_of_the_warm_up(name: str):
    schedule = build_schedule(name=name, steps_per_epoch=100, warmup_epochs=1.0)
    factors = [schedule(step, 400) for step in range(400)]
    assert factors[100] == pytest.approx(1)
    changes = [after - before for before, after in pairwise(factors)]
    assert max(map(abs, changes)) < 0.02
    assert min(changes[:100]) >= 0
    assert max(changes[100:]) <= 0
