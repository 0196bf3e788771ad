"""Runs the training loop for a run folder; shared by starting and resuming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from thriftnet.commands import command
from thriftnet.data import OpenDataset
from thriftnet.errors import ProcessError, TrainingError
from thriftnet.models.describe import count_parameters
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import retrain_advice
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.runtime.interrupt import stop_on_signal
from thriftnet.training.distributed.processes import Processes
from thriftnet.training.images import PrepareTensors
from thriftnet.training.loop import fit
from thriftnet.training.progress import FailSafeProgress, Progress, Quiet
from thriftnet.training.progress.callbacks import Callbacks
from thriftnet.training.progress.tracking import Tracker, WithStatus, WithTrackers
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import Plan, make_plan, make_state
from thriftnet.training.state import TrainingState


@dataclass(frozen=True)
class TrainedRun:
    """The result of a training."""

    path: Path
    finished: bool
    """False if it was interrupted; `resume_run` continues."""
    asked: bool = False
    """Whether a signal requested a stop, even if it finished anyway."""
    untracked: tuple[str, ...] = ()
    """Names of the trackers that failed."""
    is_main: bool = True
    """Whether this process prints and evaluates."""


def main_progress(progress: Progress | None, processes: Processes) -> Progress:
    """The main process's progress, protected against display errors; a silent one in the others."""
    return FailSafeProgress(progress) if progress and processes.is_main else Quiet()


def prepare_training(
    recipe: Recipe,
    images: OpenDataset,
    model: nn.Module,
    processes: Processes,
    prepare: PrepareTensors,
    *,
    resumed: bool = False,
) -> tuple[Plan, TrainingState]:
    """The plan and the initial state of a training; raises as `make_plan` and `make_state`."""
    plan = make_plan(recipe, images, model, processes, prepare=prepare, resumed=resumed)
    return plan, make_state(recipe, plan, model, resumed=resumed)


def start_record(plan: Plan, state: TrainingState) -> MetricRecord:
    """The first line of a run's metrics."""
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


def fit_run(
    recipe: Recipe,
    plan: Plan,
    state: TrainingState,
    run: RunFolder,
    progress: Progress,
    trackers: Sequence[Tracker],
    *,
    callbacks: Callbacks | None = None,
    deadline: float | None = None,
    until: int | None = None,
) -> TrainedRun:
    """Train from the current step, with trackers, status file and signal handling.

    Args:
        recipe: The run's.
        plan: Everything that stays constant.
        state: Everything that changes.
        run: The run folder to write to.
        progress: Display of steps and epochs.
        trackers: Updated with the run's metrics.
        callbacks: Called after steps and epochs, in the main process.
        deadline: By `time.monotonic()`; None: no time budget.
        until: Stop after this many epochs, as if interrupted.

    Raises:
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes is gone.
        RunError: The disk is full.
        Exception: What a callback raised; the run is interrupted, or finished if it was over.
    """
    callbacks = callbacks or Callbacks()
    is_main = plan.processes.is_main
    tracked = WithTrackers(progress, run, trackers)
    progress = WithStatus(tracked, run) if is_main else tracked
    with stop_on_signal() as stop:
        try:
            recorder = Recorder(recipe, plan, state, run, progress, callbacks)
            finished = fit(plan, state, recorder, stop, deadline=deadline, until=until)
        except TrainingError as fault:
            if is_main:
                failed: MetricRecord = {"kind": "failed", "step": state.step, "reason": str(fault)}
                run.append(failed)
                progress.line(failed)
            raise TrainingError(f"{fault}; {retrain_advice(run)}") from None
        except ProcessError as fault:
            way = command("train", "--resume", run.path).removeprefix("thriftnet ")
            raise ProcessError(f"{fault} and {way}") from None
        finally:
            progress.close()
    callbacks.raise_fault(run, finished=finished)
    return TrainedRun(
        run.path,
        finished=finished,
        asked=stop.requested,
        untracked=tuple(tracked.failed),
        is_main=is_main,
    )
