"""Resume an interrupted run from its last checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from thriftnet.data import OpenDataset
from thriftnet.recipe import Recipe
from thriftnet.runs.environments import environments
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.metrics_log import MetricRecord, last_line
from thriftnet.training.data import open_data, own_section
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
from thriftnet.training.saved_run import (
    SavedRun,
    check_best,
    check_data,
    is_over,
    load_saved,
    read_saved,
)
from thriftnet.training.setup import Plan, recipe_network
from thriftnet.training.state import TrainingState


def resume_run(
    path: Path,
    *,
    data: Path | None = None,
    restart: bool = False,
    progress: Progress | None = None,
    until: int | None = None,
    trackers: Sequence[Tracker] = (),
    callbacks: Callbacks | None = None,
    processes: Processes = ALONE,
    prepare: PrepareTensors = prepare_tensors,
    saved: SavedRun | None = None,
    opened: OpenDataset | None = None,
) -> TrainedRun:
    """Resume an interrupted run from its last checkpoint; a finished run is returned unchanged.

    On the same machine with the same number of threads, the result is bitwise equal to an
    uninterrupted run. A run without a checkpoint restarts at step 0.

    Args:
        path: The run folder.
        data: Replaces the recipe's data set.
        restart: Whether to start again at step 0, also if the run is finished; what there was is
            kept in the run folder.
        progress: Display of steps and epochs.
        until: Stop after this many epochs, as if interrupted.
        trackers: Updated with the run's metrics, in the main process.
        callbacks: Called after steps and epochs, in the main process.
        processes: The process group; every process calls this.
        prepare: Splits the images and prepares their tensors.
        saved: Result of `read_saved`, if it was called before.
        opened: The images, if they are open already.

    Raises:
        RunError: There is no run, another process writes to it, or its weights are damaged.
        DataError: The data set cannot be had.
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes is gone.
    """
    progress = main_progress(progress, processes)
    run = processes.broadcast_from_main(lambda: RunFolder.open(path))
    with contextlib.ExitStack() as held:

        def take_up() -> SavedRun | None:
            if is_over(run) and not restart:  # before locking: the folder may be read-only
                return None
            held.enter_context(writing(run, say=progress.note))
            run.remove_leftovers()
            if restart:
                recipe = run.recipe()
                progress.note(f"starting again; the earlier files are in {run.set_aside()}")
                return SavedRun(run, recipe, None)
            return None if is_over(run) else saved or read_saved(path)

        found = processes.broadcast_from_main(take_up)
        if found is None:
            return TrainedRun(run.path, finished=True, is_main=processes.is_main)
        recipe = found.recipe
        processes.broadcast_from_main(lambda: check_best(found))
        settings = own_section(run, recipe.data)
        images = opened or open_data(settings, data, known=True, say=progress.note)
        model = recipe_network(recipe, classes=len(images.classes))
        resumed = found.checkpoint is not None
        plan, state = prepare_training(recipe, images, model, processes, prepare, resumed=resumed)
        check_data(found, plan.data, name=images.name)
        load_saved(found, state)
        if processes.is_main:
            if found.damage:
                run.saved.drop_last()
                progress.note(f"{found.damage}; resuming from the previous checkpoint")
            resumed = _rewind(run, plan, state)
            progress.line(resumed | {"run": str(run.path)})
        progress.note(f"resuming {run.path} at step {state.step} of {state.total_steps}")
        return fit_run(
            recipe, plan, state, run, progress, trackers, callbacks=callbacks, until=until
        )


def restore_run(
    path: Path, *, data: Path | None = None
) -> tuple[Recipe, Plan, TrainingState, OpenDataset]:
    """Load a run at its last checkpoint, with its data set, without writing.

    Raises:
        RunError: There is no run, no checkpoint, or it is damaged.
        DataError: The data set cannot be had.
    """
    saved = read_saved(path)
    if saved.checkpoint is None:
        saved.run.load_state()  # raises
    images = open_data(own_section(saved.run, saved.recipe.data), data, known=True)
    model = recipe_network(saved.recipe, classes=len(images.classes))
    plan, state = prepare_training(
        saved.recipe, images, model, ALONE, prepare_tensors, resumed=True
    )
    check_data(saved, plan.data, name=images.name)
    load_saved(saved, state)
    return saved.recipe, plan, state, images


def _rewind(run: RunFolder, plan: Plan, state: TrainingState) -> MetricRecord:
    """Drop metrics after the checkpoint and record the resumption; returns that record."""
    run.rewind(state.step)
    if not last_line(run.metrics(outline=True), "start"):
        run.append(start_record(plan, state))
    _note_move(run, plan, state)
    resumed: MetricRecord = {"kind": "resumed", "step": state.step}
    run.append(resumed)
    return resumed


def _note_move(run: RunFolder, plan: Plan, state: TrainingState) -> None:
    """Record changes of the environment, such as another machine."""
    before = environments(run)[-1]
    now = describe_environment(plan.compute, {}, processes=plan.processes.count)
    same = {"command", "data"}  # always different; checked before
    changed = {k: v for k, v in now.items() if k not in same and v != before.get(k)}
    if changed:
        run.append({"kind": "environment", "step": state.step, **changed})
