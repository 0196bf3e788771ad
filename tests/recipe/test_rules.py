"""Whatever the pictures and the budget, the rules give a valid recipe and say why."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thriftnet.errors import RecipeError
from thriftnet.recipe import build_recipe
from thriftnet.recipe.chosen import Cost, Facts, Network, recipe_tree
from thriftnet.recipe.lengths import check_lengths
from thriftnet.recipe.overrides import merge_override
from thriftnet.recipe.reasons import why_length, why_network
from thriftnet.recipe.rules import (
    COLOUR,
    FEW,
    LIGHT,
    MIRRORED,
    POLICY,
    SIDES,
    WEIGHTED,
    choose_arms,
    choose_network,
    choose_start,
    fit_trial,
    most_passes,
    own_sides,
    shape_trial,
)

MODEL = {"family": "speednet", "blocks": [2, 2, 2], "channels": [64, 256, 256]}


def cost_of(model: Mapping[str, Any], side: int) -> Cost:
    """About what a network costs, without building it."""
    widths = [24, *model["channels"]]
    macs = parameters = 0
    for group, (before, width) in enumerate(pairwise(widths)):
        grid = side / 2**group
        weights = 9 * (before + (model["blocks"][group] - 1) * width / 4) * width
        macs += round(weights * grid**2)
        parameters += round(weights)
    return Cost(macs, parameters)


FACTS = st.builds(
    Facts,
    images=st.integers(2, 2_000_000),
    side=st.floats(1, 6000),
    same_side=st.booleans(),
    operations=st.floats(1, 1e19),
    grey=st.booleans(),
    imbalance=st.floats(1, 1e4),
)


@given(facts=FACTS, most=st.integers(100_000, 5_000_000), weights=st.sampled_from([None, "best"]))
@settings(max_examples=60)
def test_any_pictures_have_a_valid_recipe_within_the_parameters(
    facts: Facts, most: int, weights: str | None
) -> None:
    network = choose_network(facts, cost_of, max_parameters=most)
    assert network.cost.parameters <= most
    assert network.side in own_sides(facts)
    if weights:
        network = Network(MODEL, max(32, network.side), cost_of(MODEL, network.side), weights)
    passes = most_passes(facts, network)
    fits = facts.passes(network.cost.macs) >= passes
    length = why_length(passes, facts.images, fits=fits, asked=False)
    for images, epochs in ((facts.images, passes), (max(1, facts.images // 10), 1.0)):
        tree = recipe_tree(network, name="own", images=images, passes=epochs, max_parameters=most)
        for arm in choose_arms(facts, ()):
            for key, value in arm.changes.items():
                merge_override(tree, key, value)
        recipe = build_recipe(tree)
        check_lengths(recipe.train)
        assert recipe.train.batch_size <= images or not recipe.train.drop_last
        assert recipe.init.weights == weights
    for choice in [*why_network(facts, network, asked=False), length]:
        assert choice.chosen
        assert choice.reason
        assert "\n" not in str(choice)


@given(facts=FACTS, operations=st.floats(1, 1e18), named=st.booleans())
@settings(max_examples=60)
def test_any_trial_is_one_and_costs_no_more_than_it_may(
    facts: Facts, operations: float, named: bool
) -> None:
    network = choose_network(facts, cost_of, max_parameters=5_000_000)
    shape = shape_trial(facts, network, cost_of, operations=operations, named_val=named)
    smaller, passes = fit_trial(network, shape, cost_of)
    assert 0 < shape.fraction <= 1 <= shape.repeats <= 5
    assert smaller.side <= network.side
    assert smaller.model == network.model
    cost = 6 * smaller.cost.macs * passes * shape.images * shape.repeats
    assert cost <= operations * 1.001
    assert (shape.val_ratio == 0) == named


def test_a_trial_of_many_takes_the_passes_of_the_training_and_of_few_all_images() -> None:
    many = Facts(60_000, 28, True, 1.2e14, grey=True)
    network = choose_network(many, cost_of, max_parameters=5_000_000)
    wanted = many.passes(network.cost.macs)
    assert 10 < wanted < 30
    shape = shape_trial(many, network, cost_of, operations=6e12, named_val=False)
    assert fit_trial(network, shape, cost_of)[1] == pytest.approx(wanted, rel=0.01)
    poor = shape_trial(many, network, cost_of, operations=6e11, named_val=False)
    assert poor.images < 2_000  # but no fewer passes than six
    assert fit_trial(network, poor, cost_of)[1] == pytest.approx(6, rel=0.01)
    few = Facts(2_000, 28, True, 1.2e14)
    network = choose_network(few, cost_of, max_parameters=5_000_000)
    shape = shape_trial(few, network, cost_of, operations=9e12, named_val=False)
    assert shape.fraction == 1


def test_the_side_follows_the_pictures_and_the_budget() -> None:
    many = {"images": 50_000, "same_side": False, "operations": 3e14}
    assert own_sides(Facts(**many, side=400)) == list(SIDES)
    assert own_sides(Facts(**many, side=55)) == [32, 48, 64]
    assert own_sides(Facts(**many, side=8)) == [32]
    assert own_sides(Facts(60_000, 28, True, 3e14)) == [28]  # as they are
    assert own_sides(Facts(60_000, 28, False, 3e14)) == [32]
    poor, rich = (
        choose_network(Facts(5_000, 400, False, o), cost_of, max_parameters=5_000_000).side
        for o in (1e13, 1e16)
    )
    assert poor < rich == 128
    asked = choose_network(Facts(**many, side=400), cost_of, max_parameters=10**7, side=96)
    assert asked.side == 96


def test_more_budget_never_gives_a_cheaper_network() -> None:
    before = 0
    for exponent in range(10, 19):
        facts = Facts(10_000, 300, False, 10.0**exponent)
        macs = choose_network(facts, cost_of, max_parameters=5_000_000).cost.macs
        assert macs >= before
        before = macs


def test_a_cap_that_nothing_keeps_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"has only 1,000 parameters, .*; raise --max-params"):
        choose_network(Facts(1000, 64, True, 1e14), cost_of, max_parameters=1000)


def test_the_best_weights_that_leave_enough_passes_are_started_from() -> None:
    dear = {**MODEL, "channels": [256, 512, 512]}
    trained = [("dear", dear), ("cheap", MODEL)]
    rich, middle, poor = (Facts(2_000, 300, True, o) for o in (1e16, 4e14, 1e12))

    def start(facts: Facts, **options: Any) -> Network | None:
        given = {"max_parameters": 10**7, "trial": facts.operations / 20, **options}
        return choose_start(facts, trained, cost_of, **given)

    best = start(rich)
    assert best
    assert (best.weights, best.side) == ("dear", 128)
    cheaper = start(middle)
    assert cheaper
    assert cheaper.weights == "cheap" or cheaper.side < 128
    assert start(poor) is None
    asked = start(poor, trial=None)
    assert asked
    assert (asked.weights, asked.side) == ("dear", 32)
    assert start(rich, max_parameters=10**6) is None


def test_what_is_tried_follows_the_pictures_and_what_is_set() -> None:
    grey = Facts(60_000, 28, True, 1e14, grey=True)
    assert LIGHT in choose_arms(grey, ())
    assert POLICY not in choose_arms(grey, ())  # it takes longer than a short trial to tell
    few = Facts(FEW - 1, 28, True, 1e14, imbalance=3)
    tried = choose_arms(few, ())
    assert all(arm in tried for arm in (COLOUR, POLICY, WEIGHTED))
    assert WEIGHTED not in choose_arms(Facts(500, 28, True, 1e14), ())
    assert MIRRORED not in choose_arms(few, ["augment.flip"])
    assert MIRRORED in choose_arms(few, ["evaluate.tta", "optim.lr"])


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("grey", [False, True])
def test_more_parameters_never_give_a_smaller_network(side: int, grey: bool) -> None:
    """Of a limit of 200,000 a deeper network, narrowed, once used 61,000, and a flatter 145,000."""
    facts = Facts(2000, 600.0, False, 1e18, grey=grey)
    limits = range(100_000, 5_000_000, 20_000)
    sizes = [
        choose_network(facts, cost_of, max_parameters=limit, side=side).cost.parameters
        for limit in limits
    ]
    assert sizes == sorted(sizes)
