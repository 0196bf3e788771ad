"""Paired comparisons on held-out images."""

from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor

from small import opened, small_recipe
from thriftnet.inference.engine import Engine
from thriftnet.training.automatic import trials
from thriftnet.training.automatic.trials import Outcome, paired_gain, run_trial

RNG = np.random.default_rng(0)


def outcome(correct: list[int] | np.ndarray, labels: list[int] | np.ndarray) -> Outcome:
    return Outcome(np.asarray(correct, bool), np.asarray(labels, np.int64))


def test_scores_count_images_or_classes_alike() -> None:
    found = outcome([1, 1, 1, 0], [0, 0, 0, 2])
    assert found.score(balanced=False) == pytest.approx(0.75)
    assert found.score(balanced=True) == pytest.approx(0.5)  # class 1 has no image


@pytest.mark.parametrize("balanced", [False, True])
def test_a_gain_is_the_difference_of_the_scores(balanced: bool) -> None:
    labels = RNG.integers(0, 5, 300)
    base, other = (outcome(RNG.random(300) < p, labels) for p in (0.6, 0.7))
    gain = paired_gain(base, other, balanced=balanced)
    difference = other.score(balanced=balanced) - base.score(balanced=balanced)
    assert gain.value == pytest.approx(difference)
    assert paired_gain(other, base, balanced=balanced).value == pytest.approx(-difference)


def test_hardly_any_change_that_does_nothing_is_taken() -> None:
    """Of two recipes that are right equally often, at most one in twenty seems better."""
    labels, taken, trials = np.zeros(200, np.int64), 0, 2000
    for _ in range(trials):
        base, other = (outcome(RNG.random(200) < 0.7, labels) for _ in range(2))
        taken += paired_gain(base, other, balanced=False).significant
    assert 0.02 < taken / trials < 0.06


def test_a_large_gain_is_taken_and_few_images_show_none() -> None:
    labels = np.zeros(200, np.int64)
    base, better = outcome(np.arange(200) < 120, labels), outcome(np.arange(200) < 150, labels)
    assert paired_gain(base, better, balanced=False).significant
    assert not paired_gain(better, base, balanced=False).significant
    few = paired_gain(outcome([0] * 4, [0] * 4), outcome([1] * 4, [0] * 4), balanced=False)
    assert not few.significant
    assert not paired_gain(base, base, balanced=False).significant


def test_trials_of_one_recipe_hold_out_the_same_and_learn() -> None:
    recipe = small_recipe(train={"epochs": 6})
    first, second = (run_trial(recipe, opened(), repeats=2) for _ in range(2))
    assert first
    assert second
    assert np.array_equal(first.correct, second.correct)
    assert len(first.labels) == 20  # one of six of each of ten classes, twice
    other = run_trial(small_recipe(train={"epochs": 1}), opened(), repeats=2)
    assert other
    assert np.array_equal(first.labels, other.labels)


def test_many_images_are_seen_from_both_sides_where_training_mirrors_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    logits = Engine.logits

    def spied(engine: Engine, images: Tensor, tta: str = "none") -> Tensor:
        seen.append(tta)
        return logits(engine, images, tta)

    monkeypatch.setattr(Engine, "logits", spied)
    kinds = ("shift", "flip_shift", "flip_turn", "none")
    for few, wanted in ((10, kinds), (9, ("none", "flip", "flip_turn", "none"))):
        monkeypatch.setattr(trials, "_FEW_HELD_OUT", few)
        for tta in kinds:
            run_trial(small_recipe(evaluate={"tta": tta}), opened(), repeats=1)
        assert tuple(seen) == wanted
        seen.clear()


def test_a_trial_that_diverges_has_no_outcome() -> None:
    recipe = small_recipe(optim={"lr": 1e30}, train={"epochs": 3})
    assert run_trial(recipe, opened(), repeats=1) is None


def test_a_trial_leaves_no_image_alone_in_a_micro_batch() -> None:
    """Batch norm refuses one at a grid of one pixel, as four groups have at 24 pixels."""
    deep = {"family": "speednet", "blocks": [1, 1, 1, 1], "channels": [4, 4, 4, 4]}
    recipe = small_recipe(model=deep, train={"batch_size": 49})  # one of 50 images is left
    assert run_trial(recipe, opened(), repeats=1)
