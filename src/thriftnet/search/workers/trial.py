"""Trains a trial to a number of epochs in its run folder, and reads its result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from thriftnet.errors import RecipeError, RunError
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.metrics_log import has_figures
from thriftnet.training.images import PrepareTensors
from thriftnet.training.progress import Progress
from thriftnet.training.resume import resume_run
from thriftnet.training.runner import TrainedRun
from thriftnet.training.saved_run import SavedRun, read_saved
from thriftnet.training.start import start_run

_OF_AN_EPOCH = ("epoch", "val_accuracy", "seconds")


def train_trial(
    path: Path,
    recipe: Callable[[], Recipe],
    *,
    epochs: int,
    data: Path | None,
    progress: Progress,
    prepare: PrepareTensors,
) -> TrainedRun | None:
    """Train a trial, from its checkpoint if it has one.

    Args:
        path: Its run folder; a damaged one is recreated.
        recipe: Its recipe, required without a checkpoint.
        epochs: Epochs to train up to.
        data: Replaces the recipe's data set.
        progress: Display of steps and epochs.
        prepare: Prepares the images.

    Returns:
        The run; None if it was trained that far already.

    Raises:
        ThriftnetError: The training, the data or the disk fails.
    """
    if result_after(path, epochs) is not None and _has_weights(path, epochs):
        return None
    if saved := _saved(path):
        return resume_run(
            path, data=data, progress=progress, until=epochs, prepare=prepare, saved=saved
        )
    if path.is_dir():  # damaged
        with writing(RunFolder(path)):
            if _saved(path) is None:  # another worker may have recreated it since
                shutil.rmtree(path, ignore_errors=True)
    return start_run(
        recipe(),
        name=path.name,
        runs_dir=path.parent,
        data=data,
        progress=progress,
        until=epochs,
        prepare=prepare,
    )


def result_after(path: Path, epochs: int) -> tuple[float, float] | None:
    """Validation accuracy and seconds of a run after some epochs; None if not trained that far.

    For a run with `train.select=best`, the best accuracy so far.
    """
    try:
        run = RunFolder.open(path)
        lines = [line for line in run.metrics() if line.get("kind") == "epoch"]
        lines = [line for line in lines if has_figures(line, _OF_AN_EPOCH)]  # others are damaged
        last = next((line for line in lines if line["epoch"] == epochs), None)
        if last is None:
            return None
        best = run.recipe().train.select == "best"
    except (RunError, RecipeError):
        return None
    so_far = [line["val_accuracy"] for line in lines if line["epoch"] <= epochs]
    return (max(so_far) if best else last["val_accuracy"]), last["seconds"]


def _saved(path: Path) -> SavedRun | None:
    if not path.is_dir():
        return None
    try:
        saved = read_saved(path)
        saved.run.metrics()
    except (RunError, RecipeError):
        return None
    return saved


def _has_weights(path: Path, epochs: int) -> bool:
    """Whether a run also has the weights of its last recorded epoch.

    An epoch's line is written before its checkpoint, which may be missing after a full disk.
    """
    run = RunFolder(path)
    if run.finished:
        return True
    saved = _saved(path)
    if saved is None or saved.checkpoint is None:
        return False
    line = next(line for line in run.metrics() if line.get("epoch") == epochs)
    step: int = saved.checkpoint["step"]
    # A finished run would have a model.
    return line["step"] <= step < saved.checkpoint["total_steps"]
