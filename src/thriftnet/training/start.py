"""Start a run or go on with one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from thriftnet.commands import command
from thriftnet.data import OpenDataset
from thriftnet.data.registry import known_classes
from thriftnet.errors import ProcessError, TrainingError
from thriftnet.models.describe import count_parameters
from thriftnet.recipe import Recipe
from thriftnet.recipe.lengths import check_lengths
from thriftnet.runs.advice import retrain_advice
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.metrics_log import MetricRecord, last_line
from thriftnet.runs.paths import create_run, new_run_path
from thriftnet.training.budget import Budget, deadline_of, fit_to_budget, measure_pace
from thriftnet.training.data import open_data, with_dataset
from thriftnet.training.distributed.processes import ALONE, Processes
from thriftnet.training.environment import describe_environment
from thriftnet.training.images import PrepareTensors, prepare_tensors
from thriftnet.training.interrupt import stop_on_signal
from thriftnet.training.loop import fit
from thriftnet.training.progress import Lasting, Progress, Quiet
from thriftnet.training.recorder import Recorder
from thriftnet.training.saved_run import (
    SavedRun,
    check_best,
    check_data,
    is_over,
    load_saved,
    read_saved,
)
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network
from thriftnet.training.state import TrainingState
from thriftnet.training.tracking import Tracker, WithStatus, WithTrackers


@dataclass(frozen=True)
class TrainedRun:
    """What a training leaves."""

    path: Path
    finished: bool
    """False when it was interrupted; `resume_run` goes on."""
    asked: bool = False
    """Whether a signal asked it to stop, even if it came to its end all the same."""
    untracked: tuple[str, ...] = ()
    """Names of the trackers that failed on the way."""
    is_main: bool = True
    """Of several processes, whether this is the one that speaks and evaluates."""


def start_run(
    recipe: Recipe,
    *,
    name: str | None = None,
    runs_dir: Path = Path("runs"),
    data: Path | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    budget: Budget | None = None,
    until: int | None = None,
    trackers: Sequence[Tracker] = (),
    processes: Processes = ALONE,
    prepare: PrepareTensors = prepare_tensors,
) -> TrainedRun:
    """Train a recipe into a new folder `runs_dir/name`.

    Args:
        recipe: What to train.
        name: Of the folder; none: from recipe, seed and time.
        runs_dir: The folder of run folders.
        data: Where to read the images; none: as the recipe says.
        strict: Whether a picture that is left out is an error.
        progress: Told how it goes.
        budget: Sets the number of epochs in place of the recipe.
        until: Stop after so many epochs, as if interrupted.
        trackers: Kept up to date with the run's metrics; in the first process alone.
        processes: Those that train together, each of which calls this.
        prepare: Splits the images and prepares their tensors.

    Raises:
        RecipeError: The network is over its budget, the device is not there, or something that the
            recipe counts in epochs goes on beyond its last one.
        DataError: The data set cannot be had, or is not what its digest says.
        RunError: The folder exists or cannot be written.
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes is gone.
    """
    progress = _speaker(progress, processes)
    if not budget:  # which sets the epochs, and all lengths with them
        check_lengths(recipe.train)
    path = processes.broadcast_from_main(lambda: new_run_path(runs_dir, recipe, name))
    # One over its budget is refused before any data are read; all have two classes or more.
    classes = len(known_classes(recipe.data.dataset) or "ab")
    model = recipe_network(recipe, classes=classes)
    images = open_data(recipe.data, data, strict=strict, say=progress.note)
    recipe = with_dataset(recipe, images)
    if len(images.classes) != classes:
        model = recipe_network(recipe, classes=len(images.classes))
    plan, state = _prepare(recipe, images, model, processes, prepare)
    deadline = None
    if budget:
        pace = measure_pace(plan, state) if budget.seconds is not None else None
        recipe = processes.broadcast_from_main(lambda: fit_to_budget(recipe, plan, budget, pace))
        deadline = deadline_of(budget, pace) if pace else None
        model = recipe_network(recipe, classes=len(images.classes))
        plan, state = _prepare(recipe, images, model, processes, prepare)
        progress.note(f"the budget buys {recipe.train.epochs:.2f} epochs")
    with contextlib.ExitStack() as held:

        def begin() -> RunFolder:
            run = _open_run(path, recipe, plan, state, progress, named=name is not None)
            held.enter_context(writing(run, say=progress.note))
            return run

        run = processes.broadcast_from_main(begin)
        return _fit(recipe, plan, state, run, progress, trackers, deadline=deadline, until=until)


def resume_run(
    path: Path,
    *,
    data: Path | None = None,
    progress: Progress | None = None,
    until: int | None = None,
    trackers: Sequence[Tracker] = (),
    processes: Processes = ALONE,
    prepare: PrepareTensors = prepare_tensors,
    saved: SavedRun | None = None,
) -> TrainedRun:
    """Go on with an interrupted run from its last checkpoint; a finished one is left as it is.

    A run that was cut before its first checkpoint begins again at step 0.

    On the same machine with as many threads a worker it ends with the same bits as a run
    that was never cut.

    Args:
        path: Name of the run folder.
        data: Where to read the images; none: as the recipe says.
        progress: Told how it goes.
        until: Stop after so many epochs, as if interrupted.
        trackers: Kept up to date with the run's metrics; in the first process alone.
        processes: Those that train together, each of which calls this.
        prepare: Splits the images and prepares their tensors.
        saved: What `read_saved` said of the folder, where it was asked already.

    Raises:
        RunError: There is no run, another process writes to it, its checkpoints or its best weights
            are damaged, or a weight is not finite.
        DataError: The data set cannot be had.
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes is gone.
    """
    progress = _speaker(progress, processes)
    run = processes.broadcast_from_main(lambda: RunFolder.open(path))
    with contextlib.ExitStack() as held:

        def take_up() -> SavedRun | None:
            if is_over(run):  # before the lock: its folder may be there to read alone
                return None
            held.enter_context(writing(run, say=progress.note))
            run.remove_leftovers()
            return None if is_over(run) else saved or read_saved(path)

        found = processes.broadcast_from_main(take_up)
        if found is None:
            return TrainedRun(run.path, finished=True, is_main=processes.is_main)
        recipe = found.recipe
        processes.broadcast_from_main(lambda: check_best(found))
        images = open_data(recipe.data, data, say=progress.note)
        model = recipe_network(recipe, classes=len(images.classes))
        plan, state = _prepare(recipe, images, model, processes, prepare)
        check_data(found, plan.data, name=images.name)
        load_saved(found, state)
        if processes.is_main:
            if found.damage:
                run.saved.drop_last()
                progress.note(f"{found.damage}; going on from the checkpoint before it")
            run.rewind(state.step)
            if not last_line(run.metrics(outline=True), "start"):
                run.append(_start_line(plan, state))
            _note_move(run, plan, state)
            run.append({"kind": "resumed", "step": state.step})
        progress.note(f"going on with {run.path} at step {state.step} of {state.total_steps}")
        return _fit(recipe, plan, state, run, progress, trackers, until=until)


def restore_run(
    path: Path, *, data: Path | None = None
) -> tuple[Recipe, Plan, TrainingState, OpenDataset]:
    """A run as it stood at its last checkpoint, with its data set; nothing is written.

    Raises:
        RunError: There is no run, no checkpoint, or it is damaged.
        DataError: The data set cannot be had.
    """
    saved = read_saved(path)
    if saved.checkpoint is None:
        saved.run.load_state()  # says so
    images = open_data(saved.recipe.data, data)
    model = recipe_network(saved.recipe, classes=len(images.classes))
    plan, state = _prepare(saved.recipe, images, model, ALONE, prepare_tensors)
    check_data(saved, plan.data, name=images.name)
    load_saved(saved, state)
    return saved.recipe, plan, state, images


def _note_move(run: RunFolder, plan: Plan, state: TrainingState) -> None:
    """Keep what a run goes on with that it did not begin with, such as another machine."""
    before = run.environments()[-1]
    now = describe_environment(plan.compute, {}, processes=plan.processes.count)
    same = {"command", "data"}  # another command by nature, and images that were checked
    changed = {k: v for k, v in now.items() if k not in same and v != before.get(k)}
    if changed:
        run.append({"kind": "environment", "step": state.step, **changed})


def _speaker(progress: Progress | None, processes: Processes) -> Progress:
    return Lasting(progress) if progress and processes.is_main else Quiet()


def _prepare(
    recipe: Recipe,
    images: OpenDataset,
    model: nn.Module,
    processes: Processes,
    prepare: PrepareTensors,
) -> tuple[Plan, TrainingState]:
    plan = make_plan(recipe, images, model, processes, prepare=prepare)
    return plan, make_state(recipe, plan, model)


def _open_run(
    path: Path,
    recipe: Recipe,
    plan: Plan,
    state: TrainingState,
    progress: Progress,
    *,
    named: bool,
) -> RunFolder:
    """Make the run folder, and say in it and to the user what begins."""
    count = plan.processes.count
    environment = describe_environment(plan.compute, plan.data, processes=count)
    run = create_run(path, recipe, environment, named=named)
    start = _start_line(plan, state)
    run.append(start)
    progress.note(
        f"{recipe.name}: {start['parameters']:,} parameters, {plan.macs / 1e6:.1f}M MACs, "
        f"{len(plan.images):,} images, {plan.total_steps} steps on {plan.compute.device} "
        f"in {plan.compute.precision}" + (f", {count} processes" if count > 1 else "")
    )
    progress.note(f"run folder: {run.path}")
    return run


def _start_line(plan: Plan, state: TrainingState) -> MetricRecord:
    return {
        "kind": "start",
        "step": 0,
        "classes": list(plan.classes),
        "parameters": count_parameters(state.model),
        "macs": plan.macs,
        "train_images": len(plan.images),
        "val_images": len(plan.val_images),
        "steps": plan.total_steps,
    }


def _fit(
    recipe: Recipe,
    plan: Plan,
    state: TrainingState,
    run: RunFolder,
    progress: Progress,
    trackers: Sequence[Tracker],
    *,
    deadline: float | None = None,
    until: int | None = None,
) -> TrainedRun:
    is_main = plan.processes.is_main
    tracked = WithTrackers(progress, run, trackers)
    progress = WithStatus(tracked, run) if is_main else tracked
    with stop_on_signal() as stop:
        try:
            recorder = Recorder(recipe, plan, state, run, progress)
            finished = fit(plan, state, recorder, stop, deadline=deadline, until=until)
        except TrainingError as fault:
            if is_main:
                run.append({"kind": "failed", "step": state.step, "reason": str(fault)})
            raise TrainingError(f"{fault}; {retrain_advice(run)}") from None
        except ProcessError as fault:
            way = command("train", "--resume", run.path).removeprefix("thriftnet ")
            raise ProcessError(f"{fault} with {way}") from None
        finally:
            progress.close()
    return TrainedRun(
        run.path,
        finished=finished,
        asked=stop.requested,
        untracked=tuple(tracked.failed),
        is_main=is_main,
    )
