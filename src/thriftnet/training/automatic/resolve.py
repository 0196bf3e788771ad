"""From what a user says of a training to its recipe and budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import DATASETS, name_of
from thriftnet.inference.views import tta_views
from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.training.automatic.choose import choose_recipe
from thriftnet.training.automatic.request import DEFAULT_PARAMETERS, DEFAULT_SECONDS, AutoRequest
from thriftnet.training.budget import Budget
from thriftnet.training.distributed.processes import Processes
from thriftnet.training.progress import Progress
from thriftnet.training.runner import main_progress


@dataclass(frozen=True)
class TrainRequest:
    """What a user says; none is left to the recipe, or to the rules."""

    began: float
    """When the clock of a budget was started, by `time.monotonic()`."""
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
        """To start from, by a name or a path that cannot be taken for one."""
        path = isinstance(self.init, Path)
        return str(self.init.absolute()) if path else self.init  # pyright: ignore

    @property
    def is_open(self) -> bool:
        """Whether a recipe is to be chosen: for pictures of one's own, where none is given."""
        if self.recipe is not None or self.data is None:
            return False
        return name_of(DatasetSpec(source=self.data)) not in DATASETS


@dataclass(frozen=True)
class ResolvedTraining:
    """What `start_run` takes."""

    recipe: Recipe
    budget: Budget | None
    opened: OpenDataset | None = None
    """The images, where choosing has opened them."""
    notes: dict[str, Any] = field(default_factory=dict[str, Any])


def resolve_training(
    request: TrainRequest, progress: Progress, processes: Processes
) -> ResolvedTraining:
    """The recipe of a training, and what it may cost.

    Args:
        request: By the user.
        progress: Told what is chosen and why.
        processes: Those that train together; the first one chooses.

    Raises:
        RecipeError: Something that was said is wrong, or does not go together.
        DataError: The pictures cannot be had.
        RunError: The weights to start from are not there.
    """
    if request.is_open:
        return _chosen(request, main_progress(progress, processes), processes)
    say = progress.note if processes.is_main else None
    recipe = _read(request, say)
    budget = None
    if request.seconds is not None or request.operations is not None:
        budget = Budget(
            seconds=request.seconds,
            operations=request.operations,
            began=request.began,
            test_views=len(tta_views(recipe.evaluate.tta)),
        )
    return ResolvedTraining(recipe, budget)


def _read(request: TrainRequest, say: Any) -> Recipe:
    """A recipe by name, path or value, with what was said beside it."""
    recipe = request.recipe
    changes: dict[str, Any] = {}
    if not isinstance(recipe, Recipe):
        named = "quick" if recipe is None else recipe
        recipe = load_recipe(named, request.overrides, seed=request.seed, say=say)
    elif request.seed is not None:
        changes["seed"] = request.seed
    if request.max_parameters is not None:
        changes["max_parameters"] = request.max_parameters
    if request.weights is not None:
        own = recipe.init.model_dump(mode="json")
        changes["init"] = {**own, "weights": request.weights, "sha256": None}
    if not changes:
        return recipe
    return build_recipe({**recipe.model_dump(mode="json"), **changes}, origin=recipe.name)


def _chosen(request: TrainRequest, progress: Progress, processes: Processes) -> ResolvedTraining:
    """In the first process, by its clock; images that it has open stay with it."""
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
