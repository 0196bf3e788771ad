"""Resolves a user's training request to a recipe and a budget."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.places import recorded
from thriftnet.data.registry import DATASETS, name_of
from thriftnet.errors import RecipeError
from thriftnet.inference.views import tta_views
from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.recipe.overrides import merge_override, parse_override
from thriftnet.training.automatic.choose import choose_recipe
from thriftnet.training.automatic.request import DEFAULT_PARAMETERS, DEFAULT_SECONDS, AutoRequest
from thriftnet.training.budget import Budget
from thriftnet.training.distributed.processes import Processes
from thriftnet.training.progress import Progress
from thriftnet.training.runner import main_progress


@dataclass(frozen=True)
class TrainRequest:
    """A user's training request; None values are left to the recipe or the rules."""

    began: float
    """Start of the time budget, by `time.monotonic()`."""
    recipe: Recipe | str | Path | None = None
    overrides: tuple[str, ...] = ()
    seed: int | None = None
    data: Path | None = None
    strict: bool = False
    seconds: float | None = None
    operations: float | None = None
    max_parameters: int | None = None
    init: Path | str | None = None

    @property
    def weights(self) -> str | None:
        """Initial weights, as a name or an absolute path."""
        return str(recorded(self.init)) if isinstance(self.init, Path) else self.init


def chooses_recipe(recipe: Recipe | str | Path | None, data: Path | None) -> bool:
    """Whether to choose a recipe: for own pictures without a recipe."""
    if recipe is not None or data is None:
        return False
    return name_of(DatasetSpec(source=data)) not in DATASETS


@dataclass(frozen=True)
class ResolvedTraining:
    """Arguments for `start_run`."""

    recipe: Recipe
    budget: Budget | None
    opened: OpenDataset | None = None
    """The images, if opened by the choice."""
    notes: dict[str, Any] = field(default_factory=dict[str, Any])


def resolve_training(
    request: TrainRequest, progress: Progress, processes: Processes
) -> ResolvedTraining:
    """Resolve the recipe and the budget of a training.

    Args:
        request: The user's request.
        progress: Shows the choices with reasons.
        processes: The process group; the main process chooses.

    Raises:
        RecipeError: An option is wrong, or options conflict.
        DataError: The pictures cannot be opened.
        RunError: The initial weights are missing.
    """
    _refuse_twice(request)
    if chooses_recipe(request.recipe, request.data):
        return _chosen(request, main_progress(progress, processes), processes)
    say = progress.note if processes.is_main else None
    recipe = _read(request, say)
    given = dict(map(parse_override, request.overrides))
    budget = None
    if request.seconds is not None or request.operations is not None:
        budget = Budget(
            seconds=request.seconds,
            operations=request.operations,
            began=request.began,
            test_views=len(tta_views(recipe.evaluate.tta)),
            capped="train.epochs" in given,
        )
    return ResolvedTraining(recipe, budget)


def _refuse_twice(request: TrainRequest) -> None:
    """Check that no setting has an option and an override."""
    options = _options(request).keys() - {"init.sha256"}
    for key, _ in map(parse_override, request.overrides):
        if key in options:
            raise RecipeError(f"{key} is given as an option and as an override; give one")


def _read(request: TrainRequest, say: Any) -> Recipe:
    """A recipe by name, path or value, with the other options applied."""
    options = _options(request)
    if not isinstance(request.recipe, Recipe):
        named = "quick" if request.recipe is None else request.recipe
        # As overrides, so that keys such as init.keep find what they belong to.
        texts = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in options.items())
        return load_recipe(named, (*texts, *request.overrides), say=say)
    if not options:
        return request.recipe
    tree = request.recipe.model_dump(mode="json")
    for key, value in options.items():
        merge_override(tree, key, value)
    return build_recipe(tree, origin=request.recipe.name)


def _options(request: TrainRequest) -> dict[str, object]:
    """The recipe keys that options set."""
    options: dict[str, object] = {
        "seed": request.seed,
        "max_parameters": request.max_parameters,
        "init.weights": request.weights,
    }
    given = {key: value for key, value in options.items() if value is not None}
    # The recipe may name other weights with a digest.
    return {**given, "init.sha256": None} if "init.weights" in given else given


def _chosen(request: TrainRequest, progress: Progress, processes: Processes) -> ResolvedTraining:
    """Choose in the main process, which keeps its open images."""
    assert request.data is not None
    seconds = request.seconds
    if seconds is None and request.operations is None:
        seconds = DEFAULT_SECONDS
    auto = AutoRequest(
        source=request.data,
        overrides=request.overrides,
        seed=request.seed or 0,
        strict=request.strict,
        init=request.weights,
        max_parameters=request.max_parameters or DEFAULT_PARAMETERS,
        seconds=seconds,
        operations=request.operations,
        began=request.began,
    )
    opened: list[OpenDataset] = []

    def choose() -> tuple[Recipe, Budget, dict[str, Any]]:
        chosen = choose_recipe(auto, say=progress.note)
        opened.append(chosen.images)
        return chosen.recipe, chosen.budget, chosen.notes

    recipe, budget, notes = processes.broadcast_from_main(choose)
    return ResolvedTraining(recipe, budget, opened[0] if opened else None, notes)
