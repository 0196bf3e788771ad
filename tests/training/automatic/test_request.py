"""Recipes that are built from what rules, validation and the user say, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest

from thriftnet.errors import RecipeError
from thriftnet.recipe.chosen import Cost, Network
from thriftnet.training.automatic.request import AutoRequest

NETWORK = Network({"family": "speednet"}, 48, Cost(10**7, 10**5))
SMALLER = Network({"family": "speednet"}, 32, Cost(10**7, 10**5))


def recipe(*overrides: str, trial: bool = False, changes: dict[str, object] | None = None):
    request = AutoRequest(Path("my photos.v2"), overrides, seed=5)
    request.check()
    forced = {"data.val_ratio": 0.2, "data.image_size": 32} if trial else None
    given = {"augment.flip": "random"} if changes is None else changes
    network = SMALLER if trial else NETWORK
    return request.recipe(network, given, images=2_000, passes=30, forced=forced)


def test_validation_comes_before_the_user_and_a_trial_last() -> None:
    plain = recipe()
    assert (plain.name, plain.seed, plain.augment.flip) == ("my-photos", 5, "random")
    assert recipe("augment.flip=none").augment.flip == "none"
    assert recipe("data.val_ratio=0.1").data.val_ratio == 0.1
    assert recipe("data.val_ratio=0.1", trial=True).data.val_ratio == 0.2
    assert recipe("data.image_size=64", trial=True).data.image_size == 32


def test_a_trial_has_a_length_of_its_own_and_keeps_the_arithmetic() -> None:
    given = ("train.epochs=500", "train.batch_size=1999", "train.precision=fp32")
    assert recipe(*given).train.epochs == 500
    short = recipe(*given, trial=True).train
    assert short.precision == "fp32"
    assert (short.epochs, short.batch_size) == (recipe().train.epochs, recipe().train.batch_size)


def test_lengths_follow_epochs_that_the_user_sets() -> None:
    usual, short = recipe().train, recipe("train.epochs=6").train
    assert usual.sizes[0][0] / usual.epochs == pytest.approx(1 / 3, abs=0.05)
    assert short.sizes[0][0] == 2
    assert recipe("train.epochs=6", "train.sizes=[[1, 24]]").train.sizes == ((1, 24),)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("augment.flop=none", "augment.flop"),
        ("train.epochs=-1", "train.epochs"),
        ("data.image_size=1000", "data.image_size"),
        ("data.image_size=abc", "data.image_size"),
        ("data.image_size=[32]", "data.image_size"),
        ("data.image_size=.inf", "data.image_size"),
        ("data.image_size=1" + "0" * 400, "data.image_size"),
        ("nonsense", "is not KEY=VALUE"),
    ],
)
def test_wrong_overrides_are_refused_at_once(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        AutoRequest(Path("photos"), (override,)).check()
    assert "\n" not in str(caught.value)
