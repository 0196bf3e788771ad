"""From pictures and a budget to a recipe: facts, trials, rules, and what is told of them."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.errors import RecipeError
from thriftnet.inference.views import tta_views
from thriftnet.models.build import outline_model
from thriftnet.models.describe import count_macs, count_parameters
from thriftnet.models.metadata import read_facts
from thriftnet.recipe import Recipe
from thriftnet.recipe.chosen import Cost, CostOf, Facts, Network
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
from thriftnet.training.automatic.asked import Asked
from thriftnet.training.automatic.pictures import Pictures
from thriftnet.training.automatic.purse import Purse
from thriftnet.training.automatic.tryout import Say, Tryout
from thriftnet.training.budget import Budget
from thriftnet.training.data import with_dataset
from thriftnet.weights.card import card_of
from thriftnet.weights.find import find_model, shipped_weights, weights_file
from thriftnet.weights.initial import model_section

_LEAST_LEFT = 0.4
"""Share of a time budget below which decoding has taken too much of it."""
_REOPENING = 1.0, 7e-5
"""Seconds, and seconds per picture, that opening pictures takes which are decoded."""


@dataclass(frozen=True)
class Chosen:
    """A recipe with the pictures that it was chosen for."""

    recipe: Recipe
    images: OpenDataset
    budget: Budget
    """Of the final training."""
    notes: dict[str, Any]
    """What was decided and why, and what was tried, for the run folder."""


def choose_recipe(asked: Asked, *, say: Say) -> Chosen:
    """Choose a recipe by the rules, and by trials on held-out training images.

    Args:
        asked: What the user wants.
        say: Told each choice with its reason, a line at a time.

    Raises:
        RecipeError: An override is wrong, no network is small enough, or the budget is too small.
        DataError: The pictures cannot be had.
        RunError: The weights to start from are not there.
    """
    asked.check()
    pictures = Pictures(asked, say)
    say(_header(asked))
    purse = Purse.of(asked)
    cost_of = cost_counter(pictures.outline.classes)
    first = _first_network(asked, pictures.outlined(purse.final()), cost_of)
    images = pictures.at(first.side)
    _check_time(asked, purse)
    facts = pictures.facts(first.side, purse.final())
    arms = choose_arms(facts, asked.given)
    each = TRIAL_SHARE * purse.left() / (2 + len(arms))
    network, start = _candidates(asked, facts, cost_of, first, trial=each)
    named = "val" in images.splits
    shape = shape_trial(facts, start or network, cost_of, operations=each, named_val=named)
    until = None
    if asked.seconds is not None:
        until = time.monotonic() + TRIAL_SHARE * purse.seconds_left()
    tryout = Tryout(asked, shape, pictures.at, cost_of, facts, purse, until, say)
    network = tryout.run(network, start, arms)
    return _conclude(asked, pictures, tryout, network)


def _conclude(asked: Asked, pictures: Pictures, tryout: Tryout, network: Network) -> Chosen:
    """The final recipe and budget, and all choices told."""
    purse = tryout.purse
    facts = replace(tryout.facts, operations=purse.left())
    passes, most = facts.passes(network.cost.macs), most_passes(facts, network)
    epochs = asked.given.get("train.epochs")
    choices = [
        *why_network(facts, network, asked=asked.side is not None),
        why_start(network, tryout.told, asked=asked.weights is not None),
        why_augmentation(tryout.taken, tryout.told),
        why_length(passes, most, facts.images, asked=epochs),
    ]
    for choice in choices:
        tryout.say(str(choice))
    recipe = asked.recipe(network, tryout.changes, images=facts.images, passes=most)
    images = pictures.at(recipe.data.image_size)
    fixed, each = _REOPENING
    budget = Budget(
        seconds=asked.seconds,
        operations=None if asked.operations is None else asked.operations - purse.spent,
        began=asked.began,
        test_views=len(tta_views(recipe.evaluate.tta)),
        reopening=fixed + each * pictures.outline.pictures,
        capped=True,
    )
    told = {choice.what: f"{choice.chosen}; {choice.reason}" for choice in choices}
    notes = {"chosen": told, "tried": tryout.told}
    return Chosen(with_dataset(recipe, images), images, budget, notes)


def _header(asked: Asked) -> str:
    limits = [] if asked.seconds is None else [f"{clock(asked.seconds)} (--time-budget)"]
    if asked.operations is not None:
        limits.append(f"{asked.operations / 1e15:g} PFLOP (--flops-budget)")
    limits.append(f"{asked.max_parameters:,} parameters (--max-params)")
    return f"no recipe is given: choosing one for these pictures, within {' and '.join(limits)}"


def cost_counter(classes: int) -> CostOf:
    """Counts networks for so many classes, each once."""

    @functools.cache
    def counted(text: str, side: int) -> Cost:
        network = outline_model(classes=classes, **json.loads(text))
        return Cost(count_macs(network, image_size=side), count_parameters(network))

    def cost_of(model: Mapping[str, Any], side: int) -> Cost:
        return counted(json.dumps(dict(model), sort_keys=True), side)

    return cost_of


def _first_network(asked: Asked, facts: Facts, cost_of: CostOf) -> Network:
    """From nothing, or from the weights that the user names."""
    name, most, side = asked.weights, asked.max_parameters, asked.side
    if name is None:
        return choose_network(facts, cost_of, max_parameters=most, side=side)
    model = model_section(read_facts(find_model(name).path)).model_dump(mode="json")
    network = choose_start(facts, [(name, model)], cost_of, max_parameters=most, side=side)
    if network is None:
        raise RecipeError(
            f"the network of {name} has more than the {asked.max_parameters:,} parameters allowed; "
            "raise --max-params, or start from another"
        )
    return network


def _candidates(
    asked: Asked, facts: Facts, cost_of: CostOf, first: Network, *, trial: float
) -> tuple[Network, Network | None]:
    """The network to begin with, now that colour and counts are known, and a start to try."""
    if first.weights is not None:
        return first, None
    most = asked.max_parameters
    network = choose_network(facts, cost_of, max_parameters=most, side=first.side)
    if facts.images >= FEW:
        return network, None
    start = choose_start(
        facts, _shipped(), cost_of, max_parameters=most, side=asked.side, trial=trial
    )
    return network, start


def _shipped() -> list[tuple[str, Mapping[str, Any]]]:
    """Names and models of shipped weights of the family that rules train, the best first."""
    found: list[tuple[float, str, Mapping[str, Any]]] = []
    for name in shipped_weights():
        facts = read_facts(weights_file(name))
        card, model = card_of(facts.about), model_section(facts)
        if card and model.family == "speednet":
            found.append((card.headline.accuracy, name, model.model_dump(mode="json")))
    return [(name, model) for _, name, model in sorted(found, key=lambda each: -each[0])]


def _check_time(asked: Asked, purse: Purse) -> None:
    """See that decoding has left enough of the time."""
    if asked.seconds is not None and purse.seconds_left() < _LEAST_LEFT * asked.seconds:
        took = asked.seconds - purse.seconds_left()
        raise RecipeError(
            f"start-up and decoding took {clock(took)} of {clock(asked.seconds)}; decoding is done "
            "now: run the same again, or give more with --time-budget"
        )
