"""When a recipe is read, and when it is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from thriftnet.data.registry import DATASETS
from thriftnet.errors import RecipeError
from thriftnet.recipe import load_recipe
from thriftnet.training.automatic.resolve import TrainRequest, chooses_recipe, resolve_training
from thriftnet.training.distributed.processes import ALONE
from thriftnet.training.progress import Quiet


def test_a_recipe_is_chosen_for_own_pictures_without_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chooses_recipe(None, tmp_path)
    assert not chooses_recipe(None, None)
    assert not chooses_recipe("quick", tmp_path)
    named = DATASETS["cifar10"]._replace(holds=lambda _: True)
    monkeypatch.setitem(DATASETS, "cifar10", named)
    assert not chooses_recipe(None, tmp_path)
    assert resolve_training(TrainRequest(0.0, data=tmp_path), Quiet(), ALONE).recipe == load_recipe(
        "quick"
    )


def test_options_beside_a_recipe_are_in_it() -> None:
    request = TrainRequest(0.0, recipe="quick", seed=4, max_parameters=2_000_000, init="quick")
    found = resolve_training(request, Quiet(), ALONE)
    assert found.budget is None
    recipe = found.recipe
    assert (recipe.seed, recipe.max_parameters, recipe.init.weights) == (4, 2_000_000, "quick")
    value = resolve_training(TrainRequest(0.0, recipe=recipe, operations=1e12), Quiet(), ALONE)
    assert value.recipe == recipe
    assert value.budget
    assert value.budget.operations == 1e12
    other = TrainRequest(0.0, recipe=recipe, seed=5, max_parameters=3_000_000, init="best")
    changed = resolve_training(other, Quiet(), ALONE).recipe
    assert (changed.seed, changed.max_parameters, changed.init.weights) == (5, 3_000_000, "best")


@pytest.mark.parametrize("start", ["quick", 'a "b": é #😀'])
def test_keys_of_init_belong_to_the_option(start: str) -> None:
    """`init.keep` does nothing without weights, wherever those are given."""
    request = TrainRequest(
        0.0, recipe="quick", overrides=("init.keep=0.5", "init.body_lr=0.1"), init=start
    )
    init = resolve_training(request, Quiet(), ALONE).recipe.init
    assert (init.weights, init.keep, init.body_lr, init.sha256) == (start, 0.5, 0.1, None)


def test_a_path_of_weights_is_never_taken_for_a_name() -> None:
    assert TrainRequest(0.0, init="best").weights == "best"
    assert TrainRequest(0.0, init=Path("best")).weights == str(Path("best").absolute())


def test_epochs_that_are_set_are_the_most_that_a_budget_buys() -> None:
    request = TrainRequest(0.0, recipe="quick", overrides=("train.epochs=3",), seconds=60.0)
    budget = resolve_training(request, Quiet(), ALONE).budget
    assert budget
    assert budget.capped
    budget = resolve_training(
        TrainRequest(0.0, recipe="quick", seconds=60.0), Quiet(), ALONE
    ).budget
    assert budget
    assert not budget.capped


@pytest.mark.parametrize("key", ["seed", "max_parameters", "init.weights"])
def test_a_setting_has_one_value(key: str) -> None:
    request = TrainRequest(
        0.0, recipe="quick", overrides=(f"{key}=7",), seed=1, max_parameters=1, init="best"
    )
    with pytest.raises(RecipeError, match=f"{key} is given as an option and as an override"):
        resolve_training(request, Quiet(), ALONE)
