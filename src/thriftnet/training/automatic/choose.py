"""Chooses a recipe from pictures and a budget, with facts, rules and trials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.errors import RecipeError
from thriftnet.inference.views import tta_views
from thriftnet.models.build import count_network
from thriftnet.models.metadata import read_facts
from thriftnet.recipe import Recipe
from thriftnet.recipe.chosen import Cost, CostOf, Facts, Network
from thriftnet.recipe.few_images import avoid_lone_image
from thriftnet.recipe.reasons import (
    why_augmentation,
    why_length,
    why_network,
    why_start,
)
from thriftnet.recipe.rules import (
    FEW,
    TRIAL_SHARE,
    choose_arms,
    choose_network,
    choose_start,
    most_passes,
    shape_trial,
)
from thriftnet.table import clock
from thriftnet.training.automatic.pictures import Pictures
from thriftnet.training.automatic.remaining_budget import RemainingBudget
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.automatic.trial_runner import Say, TrialRunner
from thriftnet.training.budget import Budget
from thriftnet.training.data import with_dataset
from thriftnet.training.images import split_sets
from thriftnet.weights.card import card_of
from thriftnet.weights.find import find_model
from thriftnet.weights.initial import model_section
from thriftnet.weights.shipped import shipped_weights, weights_file

_LEAST_LEFT = 0.4
"""Minimum share of the time budget left after decoding."""
_REOPENING = 1.0, 7e-5
"""Seconds, and seconds per picture, to open decoded pictures."""


@dataclass(frozen=True)
class ChosenTraining:
    """A chosen recipe with its data set and budget."""

    recipe: Recipe
    images: OpenDataset
    budget: Budget
    """Budget of the final training."""
    notes: dict[str, Any]
    """Decisions with reasons, and trials, for the run folder."""


def choose_recipe(request: AutoRequest, *, say: Say) -> ChosenTraining:
    """Choose a recipe by rules, and by trials on held-out training images.

    Args:
        request: The user's request.
        say: Called with a line per choice, with its reason.

    Raises:
        RecipeError: An override is wrong, no network is small enough, or the budget is too small.
        DataError: The pictures cannot be opened.
        RunError: The initial weights are missing.
    """
    request.check()
    pictures = Pictures(request, say)
    say(_header(request))
    remaining = RemainingBudget.of(request, images=pictures.outline.training)
    cost_of = cost_counter(pictures.outline.classes)
    first = _first_network(request, pictures.outlined(remaining.final()), cost_of)
    images = pictures.at(first.side)
    _check_time(request, remaining)
    facts = pictures.facts(first.side, remaining.final())
    arms = choose_arms(facts, request.given)
    each = TRIAL_SHARE * remaining.left() / (2 + len(arms))
    network, start = _candidates(request, facts, cost_of, first, trial=each)
    named = "val" in images.splits
    shape = shape_trial(facts, start or network, cost_of, operations=each, named_val=named)
    until = None
    if request.seconds is not None:
        until = time.monotonic() + TRIAL_SHARE * remaining.seconds_left()
    runner = TrialRunner(request, shape, pictures.at, cost_of, facts, remaining, until, say)
    network = runner.run(network, start, arms)
    return _conclude(request, pictures, runner, network)


def _conclude(
    request: AutoRequest, pictures: Pictures, runner: TrialRunner, network: Network
) -> ChosenTraining:
    """The final recipe and budget; reports all choices."""
    remaining = runner.remaining
    facts = replace(runner.facts, operations=remaining.left())
    passes, most = facts.passes(network.cost.macs), most_passes(facts, network)
    recipe = request.recipe(network, runner.changes, images=facts.images, passes=most)
    asked = "train.epochs" in request.given
    choices = [
        *why_network(facts, network, asked=request.side is not None),
        why_start(network, runner.results, asked=request.weights is not None),
        why_augmentation(runner.taken, runner.results),
        why_length(recipe.train.epochs, facts.images, fits=passes >= most, asked=asked),
    ]
    for choice in choices:
        runner.say(str(choice))
    images = pictures.at(recipe.data.image_size)
    if not request.sets_batches:
        (_, train_at), _ = split_sets(recipe, images)
        recipe = avoid_lone_image(recipe, images=len(train_at))
    fixed, each = _REOPENING
    budget = Budget(
        seconds=request.seconds,
        operations=None if request.operations is None else request.operations - remaining.spent,
        began=request.began,
        test_views=len(tta_views(recipe.evaluate.tta)),
        reopening=fixed + each * pictures.outline.pictures,
        capped=True,
    )
    chosen = {choice.what: f"{choice.chosen}; {choice.reason}" for choice in choices}
    notes = {"chosen": chosen, "tried": runner.results}
    return ChosenTraining(with_dataset(recipe, images), images, budget, notes)


def _header(request: AutoRequest) -> str:
    limits = [] if request.seconds is None else [f"{clock(request.seconds)} (--time-budget)"]
    if request.operations is not None:
        limits.append(f"{request.operations / 1e15:g} PFLOP (--flops-budget)")
    limits.append(f"{request.max_parameters:,} parameters (--max-params)")
    return f"no recipe is given: choosing one for these pictures, within {' and '.join(limits)}"


def cost_counter(classes: int) -> CostOf:
    """A function that counts networks."""

    def cost_of(model: Mapping[str, Any], side: int) -> Cost:
        parameters, macs = count_network(classes=classes, image_size=side, **model)
        return Cost(macs, parameters)

    return cost_of


def _first_network(request: AutoRequest, facts: Facts, cost_of: CostOf) -> Network:
    """The first network: from random weights, or those that the user names."""
    name, most, side = request.weights, request.max_parameters, request.side
    if name is None:
        return choose_network(facts, cost_of, max_parameters=most, side=side)
    model = model_section(read_facts(find_model(name).path)).model_dump(mode="json")
    network = choose_start(facts, [(name, model)], cost_of, max_parameters=most, side=side)
    if network is None:
        raise RecipeError(
            f"the network of {name} has more than the {request.max_parameters:,} parameters "
            "allowed; raise --max-params, or start from another"
        )
    return network


def _candidates(
    request: AutoRequest, facts: Facts, cost_of: CostOf, first: Network, *, trial: float
) -> tuple[Network, Network | None]:
    """The network given all facts, and pretrained weights to try."""
    if first.weights is not None:
        return first, None
    most = request.max_parameters
    network = choose_network(facts, cost_of, max_parameters=most, side=first.side)
    if facts.images >= FEW:
        return network, None
    start = choose_start(
        facts, _shipped(), cost_of, max_parameters=most, side=request.side, trial=trial
    )
    return network, start


def _shipped() -> list[tuple[str, Mapping[str, Any]]]:
    """Names and models of suitable shipped weights, the best first."""
    found: list[tuple[float, str, Mapping[str, Any]]] = []
    for name in shipped_weights():
        facts = read_facts(weights_file(name))
        card, model = card_of(facts.about), model_section(facts)
        if card and model.family == "speednet":
            found.append((card.headline.accuracy, name, model.model_dump(mode="json")))
    return [(name, model) for _, name, model in sorted(found, key=lambda each: -each[0])]


def _check_time(request: AutoRequest, remaining: RemainingBudget) -> None:
    """Check that decoding has left enough time."""
    if request.seconds is not None and remaining.seconds_left() < _LEAST_LEFT * request.seconds:
        took = request.seconds - remaining.seconds_left()
        raise RecipeError(
            f"start-up, decoding and measuring the speed took {clock(took)} of "
            f"{clock(request.seconds)}; decoding is done now, so run the same command again, or "
            "raise --time-budget"
        )
