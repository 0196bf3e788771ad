"""Train a recipe into a new run folder."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.data.registry import known_classes
from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.recipe import Recipe
from thriftnet.recipe.lengths import check_lengths
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.new_run import create_run, new_run_path
from thriftnet.training.budget import Budget, deadline_of, fit_to_budget, measure_pace
from thriftnet.training.data import open_data, with_dataset
from thriftnet.training.distributed.processes import ALONE, Processes
from thriftnet.training.environment import describe_environment
from thriftnet.training.images import PrepareTensors, prepare_tensors
from thriftnet.training.progress import Progress
from thriftnet.training.progress.callbacks import Callbacks
from thriftnet.training.progress.tracking import Tracker
from thriftnet.training.runner import (
    TrainedRun,
    fit_run,
    main_progress,
    prepare_training,
    start_record,
)
from thriftnet.training.setup import Plan, recipe_network
from thriftnet.training.state import TrainingState
from thriftnet.weights.initial import with_initial


def start_run(
    recipe: Recipe,
    *,
    name: str | None = None,
    runs_dir: Path = Path("runs"),
    data: Path | None = None,
    strict: bool = False,
    opened: OpenDataset | None = None,
    notes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    budget: Budget | None = None,
    until: int | None = None,
    trackers: Sequence[Tracker] = (),
    callbacks: Callbacks | None = None,
    processes: Processes = ALONE,
    prepare: PrepareTensors = prepare_tensors,
) -> TrainedRun:
    """Train a recipe into a new folder `runs_dir/name`.

    Args:
        recipe: What to train.
        name: Of the folder; None: from recipe, seed and time.
        runs_dir: The folder of run folders.
        data: Replaces the recipe's data set.
        strict: Whether an unusable picture is an error.
        opened: The images, if they are open already.
        notes: Added to environment.json, such as how the recipe was chosen.
        progress: Display of steps and epochs.
        budget: Determines the number of epochs instead of the recipe.
        until: Stop after this many epochs, as if interrupted.
        trackers: Updated with the run's metrics, in the main process.
        callbacks: Called after steps and epochs, in the main process.
        processes: The process group; every process calls this.
        prepare: Splits the images and prepares their tensors.

    Raises:
        RecipeError: The network is over its parameter budget, the device is not available, or a
            length in epochs exceeds the run.
        DataError: The data set cannot be had, or is not what its digest says.
        RunError: The folder exists or cannot be written.
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes is gone.
    """
    progress = main_progress(progress, processes)
    if not budget:  # a budget sets all lengths
        check_lengths(recipe.train)
    recipe = processes.broadcast_from_main(lambda: with_initial(recipe))
    path = processes.broadcast_from_main(lambda: new_run_path(runs_dir, recipe, name))
    # Check the parameter budget before reading any data, with the known or the fewest classes.
    classes = len(known_classes(recipe.data.dataset) or "ab")
    model = recipe_network(recipe, classes=classes)
    images = opened or open_data(recipe.data, data, strict=strict, say=progress.note)
    recipe = with_dataset(recipe, images)
    if len(images.classes) != classes:
        model = recipe_network(recipe, classes=len(images.classes))
    plan, state = prepare_training(recipe, images, model, processes, prepare)
    deadline = None
    if budget:
        tested = len(images.part("test")[1]) if "test" in images.splits else 0
        budget = replace(budget, test_images=tested)
        whole = recipe.train.epochs
        recipe, deadline = _fit_to(budget, recipe, plan, state)
        model = recipe_network(recipe, classes=len(images.classes))
        plan, state = prepare_training(recipe, images, model, processes, prepare)
        progress.note(_bought(recipe, budget, whole))
    with contextlib.ExitStack() as held:

        def begin() -> RunFolder:
            named = name is not None
            return _open_run(path, recipe, plan, state, progress, held, named, notes or {})

        run = processes.broadcast_from_main(begin)
        return fit_run(
            recipe,
            plan,
            state,
            run,
            progress,
            trackers,
            callbacks=callbacks,
            deadline=deadline,
            until=until,
        )


def _keep_decisions(run: RunFolder, recipe: Recipe, digests: Mapping[str, str]) -> None:
    """Copy the decisions into the run, unless they were changed since they were read.

    Raises:
        RunError: The disk is full.
    """
    if recipe.data.decisions is not None:
        with contextlib.suppress(OSError):
            content = Path(recipe.data.decisions).read_bytes()
            if hashlib.sha256(content).hexdigest() == digests.get("decisions"):
                write_whole(run.decisions_path, content, error=RunError)


def _fit_to(
    budget: Budget, recipe: Recipe, plan: Plan, state: TrainingState
) -> tuple[Recipe, float | None]:
    """The recipe with the epochs that fit the budget, and the deadline of its training."""
    pace = measure_pace(plan, state) if budget.seconds is not None else None
    fitted = plan.processes.broadcast_from_main(lambda: fit_to_budget(recipe, plan, budget, pace))
    return fitted, deadline_of(budget, pace) if pace else None


def _bought(recipe: Recipe, budget: Budget, whole: float) -> str:
    """The message about the epochs that fit the budget, of the `whole` that the recipe had."""
    train = recipe.train
    if budget.capped and train.epochs == whole:
        return f"the budget is enough for all {train.epochs:g} epochs"
    measured = " at the speed measured just now" if budget.seconds is not None else ""
    why: list[str] = []
    if train.sizes:
        why.append("the first ones, on smaller images, cost less")
    if train.hard_fraction < 1:
        why.append(f"those after {train.full_epochs} visit {train.hard_fraction:.0%} of the images")
    return "; ".join([f"the budget buys {train.epochs:.2f} epochs{measured}", *why])


def _open_run(
    path: Path,
    recipe: Recipe,
    plan: Plan,
    state: TrainingState,
    progress: Progress,
    held: contextlib.ExitStack,
    named: bool,
    notes: Mapping[str, Any],
) -> RunFolder:
    """Create and lock the run folder, and record and print the start."""
    count = plan.processes.count
    environment = {**describe_environment(plan.compute, plan.data, processes=count), **notes}
    run = create_run(path, recipe, environment, named=named)
    held.enter_context(writing(run, say=progress.note))
    start, init = start_record(plan, state), recipe.init
    _keep_decisions(run, recipe, plan.data)
    run.append(start)
    progress.line(start | {"run": str(run.path)})
    steps = "1 step" if plan.total_steps == 1 else f"{plan.total_steps} steps"
    progress.note(
        f"{recipe.name}: {start['parameters']:,} parameters, {plan.macs / 1e6:.1f}M MACs, "
        f"{len(plan.images):,} images, {steps} on {plan.compute.device} "
        f"in {plan.compute.precision}"
        + (f", {count} processes" if count > 1 else "")
        + (f", from the weights of {init.weights}" if init.weights else "")
        + (f" (the final network keeps {init.keep:.0%} of them)" if init.keep else "")
    )
    progress.note(f"run folder: {run.path}")
    return run
