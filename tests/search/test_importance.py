"""Which keys matter: those that do, and not those that only have many values."""

from __future__ import annotations

import random

import pytest

from thriftnet.search.importance import FEWEST, importances, keys_that_vary


@pytest.fixture(scope="module")
def grid() -> list[dict[str, object]]:
    """Two keys crossed, one that goes with the first, and one that never changes."""
    return [
        {"model.blocks": [blocks, 1], "optim.lr": lr, "optim.bias_lr": 2 * lr, "seed": 0}
        for blocks in range(12)
        for lr in (0.01, 0.03, 0.1, 0.3)
    ]


def test_a_key_that_decides_is_beyond_chance_and_one_that_does_not_is_below(
    grid: list[dict[str, object]],
):
    noise = random.Random(0)
    values = [float(each["optim.lr"] == 0.1) + 0.3 * noise.random() for each in grid]
    first, second = importances(grid, values)
    assert first.keys == ("optim.lr", "optim.bias_lr")
    assert first.value > 2 * first.chance
    assert second.keys == ("model.blocks",)
    assert second.value < second.chance
    assert importances(grid, values) == [first, second]


def test_of_few_trials_nothing_is_said(grid: list[dict[str, object]]):
    few = grid[: FEWEST - 1]
    assert importances(few, [float(number) for number in range(len(few))]) == []
    assert importances([{"seed": 0}] * 20, [0.1] * 20) == []


def test_a_range_of_numbers_is_read_as_one():
    draws = random.Random(1)
    settings = [{"lr": 10 ** draws.uniform(-3, 0), "decay": draws.random()} for _ in range(40)]
    found = importances(settings, [-abs(each["lr"] - 0.1) for each in settings])
    assert [each.keys for each in found] == [("lr",), ("decay",)]
    assert found[0].value > found[0].chance


def test_keys_that_change_together_are_one(grid: list[dict[str, object]]):
    assert keys_that_vary(grid) == [("model.blocks",), ("optim.lr", "optim.bias_lr")]
    assert keys_that_vary([]) == []


def test_ranges_that_rise_together_are_one_and_others_are_not():
    draws = random.Random(2)
    settings = [
        {"lr": draws.random(), "brightness": strength, "rotation": 15 * strength}
        for strength in (draws.random() for _ in range(6))
    ]
    assert keys_that_vary(settings) == [("lr",), ("brightness", "rotation")]
