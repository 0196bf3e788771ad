"""Initial weights from a trained network (fine-tuning), with a new head for other classes."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from thriftnet.data.places import recorded
from thriftnet.errors import RecipeError, RunError
from thriftnet.models.metadata import ModelFacts, read_facts
from thriftnet.models.saved import read_model
from thriftnet.models.tensors import digest_arrays, read_arrays
from thriftnet.recipe import Recipe, build_recipe, load_recipe, shipped_recipes
from thriftnet.recipe.model_sections import ModelSection
from thriftnet.weights.find import find_model

_TRAINED_ALONE = {"zero_init_last", "stochastic_depth"}
"""Keys of a model that affect its training only."""


def with_initial(recipe: Recipe) -> Recipe:
    """The recipe with an absolute path and the digest of its initial weights.

    Raises:
        RunError: There is no such finished network, or it is damaged.
        RecipeError: The architecture or the digest does not match the recipe.
    """
    name = recipe.init.weights
    if name is None:
        return recipe
    found = find_model(name)
    facts = read_facts(found.path)
    _check_fits(recipe, facts, name)
    sha256 = facts.weights_sha256 or digest_arrays(read_arrays(found.path, sha256=None))
    if recipe.init.sha256 not in {None, sha256}:
        raise RecipeError(
            f"the weights of init.weights={name} do not match init.sha256; remove that key to "
            "start from them"
        )
    named = found.name or str(recorded(Path(name).expanduser()))
    init = recipe.init.model_copy(update={"weights": named, "sha256": sha256})
    return recipe.model_copy(update={"init": init})


def load_initial(recipe: Recipe, model: nn.Module, classes: tuple[str, ...]) -> bool:
    """Load the initial weights of a recipe into a network.

    Args:
        recipe: From `with_initial`.
        model: On the CPU; changed in place.
        classes: Classes of the model, in the order of its outputs.

    Returns:
        Whether the head was kept, as the classes are the same.

    Raises:
        RunError: The weights are missing, damaged or not those that the run started with.
        RecipeError: The architecture does not match the recipe.
    """
    assert recipe.init.weights is not None
    path = find_model(recipe.init.weights).path
    _check_fits(recipe, read_facts(path), recipe.init.weights)
    saved = read_model(path)
    sha256 = saved.weights_sha256 or digest_arrays(read_arrays(path, sha256=None))
    if recipe.init.sha256 not in {None, sha256}:
        raise RunError(
            f"{recipe.init.weights} holds other weights than this training started from; restore "
            "them, or start a new run"
        )
    same = saved.classes == classes
    own = model.state_dict()
    given = saved.network.state_dict()
    model.load_state_dict(
        {k: v if same or not k.startswith("head.") else own[k] for k, v in given.items()}
    )
    return same


def model_section(facts: ModelFacts) -> ModelSection:
    """The `model` section of a model file's architecture.

    Raises:
        RecipeError: This version does not support the architecture.
    """
    try:
        return build_recipe({"name": "start", "model": dict(facts.architecture)}).model
    except RecipeError:
        raise RecipeError(
            "this version of thriftnet does not support the architecture of the initial weights; "
            "use others"
        ) from None


def _check_fits(recipe: Recipe, facts: ModelFacts, name: str) -> None:
    """Check that the architecture of the weights is the recipe's."""
    theirs = model_section(facts)
    own, other = (
        section.model_dump(mode="json", exclude=_TRAINED_ALONE)
        for section in (recipe.model, theirs)
    )
    if own == other:
        return
    differing = [key for key, value in other.items() if own.get(key) != value]
    made_by = str(facts.about.get("recipe"))
    if made_by in shipped_recipes() and load_recipe(made_by).model == theirs:
        remedy = f"use the recipe {made_by}"
    elif theirs.family != recipe.model.family:
        remedy = f"use a recipe of model.family={theirs.family}"
    else:
        settings = (f"--set 'model.{key}={str(other[key]).lower()}'" for key in differing)
        remedy = f"add {' '.join(settings)}"
    raise RecipeError(
        f"the network of {name} does not fit the recipe {recipe.name}: it differs in "
        f"{', '.join(f'model.{key}' for key in differing)}; {remedy}, or use other initial weights"
    )
