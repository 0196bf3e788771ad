"""The replay of halving on stored tables, on tables whose answer is known."""

from __future__ import annotations

from typing import Any

import pytest

from halving_quality import at_rungs, quality


def table(accuracies: list[list[float]], rungs: list[int]) -> dict[str, Any]:
    return {
        "rungs": rungs,
        "candidates": [
            {"candidate": f"c{at:02}", "macs": 100, "val_accuracy": values}
            for at, values in enumerate(accuracies)
        ],
    }


def test_early_ranks_that_hold_find_the_best_at_a_share_of_the_compute():
    accuracies = [[at / 100, at / 90, at / 80] for at in range(48)]
    found = quality(table(accuracies, [1, 2, 8]), eta=4, lag=1, orders=20)
    assert found["worst_regret"] == 0
    # 48 + 12 x 1 + 3 x 6 of 48 x 8 epochs, in every order
    assert found["mean_share_of_compute"] == pytest.approx(78 / 384)
    assert found["worst_share_of_compute"] == pytest.approx(78 / 384)
    assert found["share_of_orders_within_half_a_point"] == 1
    assert found["reached"] == (found["share_of_orders_reached"] == 1)


def test_ranks_that_turn_around_cost_what_the_best_had_more():
    accuracies = [[0.5 - at / 100, 0.5 + at / 100] for at in range(16)]
    found = quality(table(accuracies, [1, 4]), eta=16, lag=16, orders=5)
    assert found["worst_regret"] == pytest.approx(0.15)
    assert (found["share_of_orders_reached"], found["reached"]) == (0, False)


def test_without_halving_nothing_is_saved_or_lost():
    found = quality(table([[0.1, 0.3], [0.2, 0.2]], [1, 4]), eta=1, lag=1, orders=3)
    assert (found["worst_regret"], found["mean_share_of_compute"]) == (0, 1)


def test_a_table_of_every_epoch_is_read_at_the_rungs_asked_for():
    whole = table([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]], [1, 2, 3, 4])
    assert at_rungs(whole, [1, 4]) == table([[0.1, 0.4], [0.4, 0.1]], [1, 4])
