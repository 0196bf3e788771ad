"""Builds the candidates of a grid, with their parameters and MACs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from thriftnet.data.registry import num_classes
from thriftnet.errors import RecipeError, SearchError
from thriftnet.models.build import count_network
from thriftnet.recipe import Recipe
from thriftnet.recipe.lengths import check_lengths
from thriftnet.search.queue.jobs import Candidate
from thriftnet.search.space import Space
from thriftnet.training.data import data_spec

MOST_COMBINATIONS = 10_000
"""Limit of a grid; building and counting each takes milliseconds."""
_LEAST_VAL_RATIO = 1e-4
"""Below it, a class of 5,000 images has none for validation."""


def count_candidates(space: Space, *, begun: bool = False) -> list[Candidate]:
    """All candidates of a space's grid and its reference, in the order of the grid.

    Args:
        space: The space.
        begun: Whether its study exists, so that duplicate values are tolerated.

    Raises:
        SearchError: A candidate's recipe is wrong or is a duplicate, or every candidate is over
            budget.
    """
    combinations = math.prod(map(len, space.grid.values()))
    if combinations > MOST_COMBINATIONS:  # also of a study, which may be a stranger's
        count = (
            f"{combinations:,}" if combinations < 10**15 else f"10^{math.log10(combinations):.0f}"
        )
        raise SearchError(
            f"space {space.name}: its grid has {count} combinations, and at most "
            f"{MOST_COMBINATIONS:,} can be searched; use fewer values"
        )
    found: dict[str, Candidate] = {}
    for changes in _combinations(space):
        candidate = make_candidate(space, changes)
        if candidate.digest in found and not begun:
            raise _collapsed(space, found[candidate.digest].changes, changes)
        found.setdefault(candidate.digest, candidate)
    if space.reference and not any(candidate.reference for candidate in found.values()):
        try:
            candidate = make_candidate(space, space.reference)
        except SearchError as fault:
            raise SearchError(
                f"{fault} (with the space's reference); use another reference, or leave it out"
            ) from None
        found.setdefault(candidate.digest, candidate)
    if all(candidate.refused for candidate in found.values()):
        least = min(found.values(), key=lambda c: c.parameters)
        raise SearchError(
            f"space {space.name}: all {len(found)} candidates are over budget; the "
            f"smallest ({least.label}) has {least.refused}; raise the budget or add smaller ones"
        )
    # Check now what only later stages use, not after hours of training.
    winner_recipe(space, next(iter(found.values())))
    horizons = {
        "halving.rungs": space.halving.rungs[-1],
        "validation.epochs": space.validation.epochs,
    }
    for candidate in found.values():
        for key, epochs in horizons.items():
            try:
                recipe = trial_recipe(space, candidate, epochs=epochs, seed=0)
                if not begun:
                    check_lengths(recipe.train)
            except (RecipeError, SearchError) as fault:
                raise SearchError(f"{fault} (with {key} of the space)") from None
    return list(found.values())


def make_candidate(
    space: Space,
    changes: Mapping[str, Any],
    *,
    origin: str = "grid",
) -> Candidate:
    """Build and count a candidate from changes of a space's base recipe.

    Args:
        space: Has the base and the limits.
        changes: Recipe keys and their values.
        origin: The stage that creates it.

    Raises:
        SearchError: The recipe is invalid or has no validation images.
    """
    horizon = space.halving.rungs[-1]
    recipe = space.recipe(changes, epochs=horizon, seed=space.halving.seed, name=space.name)
    if recipe.data.val_ratio < _LEAST_VAL_RATIO:
        raise SearchError(
            f"space {space.name}: data.val_ratio is {recipe.data.val_ratio:g}, and a search "
            "chooses with validation images; set it to 0.1 or so"
        )
    classes = num_classes(data_spec(recipe.data))
    parameters, macs = count_network(classes=classes, **recipe.model.model_dump())
    return Candidate(
        digest=recipe.digest(),
        changes=dict(changes),
        parameters=parameters,
        macs=macs,
        refused=_refusal(space, parameters, macs),
        reference=_is_reference(space, changes, recipe),
        origin=origin,
    )


def trial_recipe(space: Space, candidate: Candidate, *, epochs: int, seed: int) -> Recipe:
    """The recipe of a candidate's trial, ready to train."""
    name = f"{space.name}-{candidate.digest}"
    recipe = space.recipe(candidate.changes, epochs=epochs, seed=seed, name=name)
    return recipe.model_copy(update={"description": candidate.label})


def winner_recipe(space: Space, candidate: Candidate) -> Recipe:
    """The recipe of a candidate for the final training.

    Raises:
        SearchError: A key of the space's section `winner` is wrong.
    """
    epochs, name = space.validation.epochs, f"{space.name}-winner"
    try:
        recipe = space.recipe(candidate.changes, space.winner, epochs=epochs, seed=0, name=name)
    except SearchError as fault:
        raise SearchError(f"{fault} (with the section winner of the space)") from None
    return recipe.model_copy(update={"description": candidate.label})


def _collapsed(space: Space, one: Mapping[str, Any], other: Mapping[str, Any]) -> SearchError:
    """Two combinations of the grid are one recipe: `0.1` and `"1e-1"` are the same number."""
    pairs = [(key, one[key], other[key]) for key in one if repr(one[key]) != repr(other[key])]
    pairs_text = " and ".join(f"grid.{key} {a!r} and {b!r}" for key, a, b in pairs)
    return SearchError(f"space {space.name}: {pairs_text} make the same recipe; keep one of them")


def _combinations(space: Space) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*space.grid.values()):
        yield dict(zip(space.grid, values, strict=True))


def _refusal(space: Space, parameters: int, macs: int) -> str | None:
    if parameters > space.max_parameters:
        return f"{parameters:,} parameters, {parameters - space.max_parameters:,} too many"
    if space.max_macs is not None and macs > space.max_macs:
        return f"{macs:,} MACs, {macs - space.max_macs:,} too many"
    return None


def _is_reference(space: Space, changes: Mapping[str, Any], recipe: Recipe) -> bool:
    """Whether a recipe has all values of the reference."""
    if not space.reference:
        return False
    epochs, seed = space.halving.rungs[-1], space.halving.seed
    try:
        wanted = space.recipe(changes, space.reference, epochs=epochs, seed=seed, name=space.name)
    except SearchError:  # of another family of networks
        return False
    return wanted == recipe
