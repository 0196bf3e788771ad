"""The Python interface: the commands as functions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.data.places import given_path
from thriftnet.errors import RecipeError
from thriftnet.evaluation.calibrate import calibrate
from thriftnet.evaluation.evaluate import evaluate
from thriftnet.evaluation.evaluate_robust import robustness
from thriftnet.evaluation.evaluated import evaluated_runs
from thriftnet.evaluation.results import Evaluation
from thriftnet.export.pipeline import Exported, export_model
from thriftnet.export.remote import pull, push
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.inference.pictures import Picture
from thriftnet.inference.prediction import Prediction
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.new_run import check_new_run
from thriftnet.tracking.choose import choose_trackers, track_run
from thriftnet.training.automatic.resolve import TrainRequest, resolve_training
from thriftnet.training.budget import parse_duration, parse_operations, parse_parameters
from thriftnet.training.distributed.processes import init_processes
from thriftnet.training.progress import Progress, StepStats, choose_progress
from thriftnet.training.progress.callbacks import (
    Callbacks,
    EpochStats,
    OnEpoch,
    OnStep,
    StopTraining,
)
from thriftnet.training.resume import resume_run
from thriftnet.training.runner import TrainedRun
from thriftnet.training.start import start_run
from thriftnet.weights.find import find_run

if TYPE_CHECKING:
    from thriftnet.comparison.compare import Comparison
    from thriftnet.report.build import Report

__all__ = [
    "Classifier",
    "EpochStats",
    "Evaluation",
    "Exported",
    "Prediction",
    "Recipe",
    "StepStats",
    "StopTraining",
    "TrainedRun",
    "calibrate",
    "compare",
    "evaluate",
    "export_model",
    "load_model",
    "load_recipe",
    "predict",
    "pull",
    "push",
    "robustness",
    "track",
    "train",
    "write_report",
]


def train(
    recipe: Recipe | str | Path | None = None,
    *,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    name: str | None = None,
    runs_dir: Path | str | None = None,
    data: Path | str | None = None,
    strict: bool = False,
    resume: Path | str | None = None,
    restart: bool = False,
    quiet: bool = False,
    progress: Progress | None = None,
    time_budget: str | None = None,
    flops_budget: str | None = None,
    max_params: str | int | None = None,
    init: Path | str | None = None,
    track: Sequence[str] = (),
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedRun:
    """Train a recipe into a run folder, or resume an interrupted run.

    Without a recipe, one is chosen for your own pictures by rules and short trials on held-out
    training images, within the budgets (by default ten minutes and five million parameters). For
    CIFAR-10 it is `quick`.

    Args:
        recipe: A recipe, the name of a shipped one, or a YAML path; None: chosen for `data`.
        overrides: `key=value` strings, as for `--set`; not with a `Recipe`.
        seed: Replaces the recipe's seed.
        name: Name of the run folder; None: from recipe, seed and time.
        runs_dir: Parent of run folders; None: `runs`.
        data: Path of CIFAR-10 or of your own pictures (docs/data.md); None: as in the recipe.
        strict: Whether an unusable picture is an error.
        resume: Folder of an interrupted run; it continues with its own recipe, name and epochs.
        restart: Whether it starts again at step 0; earlier files are kept in its folder.
        quiet: Print nothing.
        progress: Replaces the printed progress.
        time_budget: Such as `5m`: train as many epochs as fit, including the evaluation afterwards.
        flops_budget: Such as `0.3P`: train as many epochs as fit into that many operations.
        max_params: Such as `5M`: limit of trainable parameters.
        init: Weights to start from (fine-tuning): the name of shipped ones, a run folder or a model
            file. None: as in the recipe; if the recipe is chosen, by trials on held-out images.
        track: Trackers that show the run while it trains: `tensorboard`, `mlflow`, `wandb`.
        on_step: Called after every step with its `StepStats`. It may raise `StopTraining`, which
            ends the training with the current weights. Any other exception interrupts the run,
            after its checkpoint is written, and is raised again here.
        on_epoch: The same after every epoch, with its `EpochStats`.

    Returns:
        The run's path and whether it finished. For test metrics call `evaluate(run.path)`.

    Raises:
        RecipeError: A wrong key or value, a network over its budget, or arguments that exclude each
            other.
        DataError: The data set is not available, or its digest differs.
        RunError: The run folder exists, is missing or damaged, or the disk is full.
        TrackingError: A tracker is unknown, not installed or unreachable; raised before training.
        TrainingError: The loss stopped being finite.
        ProcessError: One of several processes started by `torchrun` has died.
    """
    began = time.monotonic()
    overrides = (overrides,) if isinstance(overrides, str) else tuple(overrides)
    if resume is not None:
        resume = find_run(resume)
        given = {"recipe": recipe, "overrides": overrides, "seed": seed, "name": name, "init": init}
        given |= {"runs_dir": runs_dir, "strict": strict or None, "time_budget": time_budget}
        given |= {"flops_budget": flops_budget, "max_params": max_params}
        _refuse_unused(given, because="resume continues with the run's own recipe")
    elif restart:
        raise RecipeError("restart is for resume; name a run folder, or leave it out")
    elif isinstance(recipe, Recipe):
        own = "overrides are for a recipe's name or path"
        _refuse_unused({"overrides": overrides}, because=own)
    if progress is not None:
        own = "leave out quiet: progress decides what is printed"
        _refuse_unused({"quiet": quiet or None}, because=own)
    progress = progress or choose_progress(quiet=quiet)
    data = given_path(data, "data")
    runs_dir = given_path(runs_dir, "runs_dir") or Path("runs")
    folder = runs_dir if resume is None else resume.resolve().parent
    callbacks = Callbacks(on_step, on_epoch)
    with init_processes() as processes:
        trackers = choose_trackers(track if processes.is_main else (), runs_dir=folder)
        if resume is not None:
            common: Any = {"progress": progress, "trackers": trackers, "callbacks": callbacks}
            return resume_run(resume, data=data, restart=restart, processes=processes, **common)
        request = TrainRequest(
            began=began,
            recipe=recipe,
            overrides=overrides,
            seed=seed,
            data=data,
            strict=strict,
            seconds=None if time_budget is None else parse_duration(time_budget),
            operations=None if flops_budget is None else parse_operations(flops_budget),
            max_parameters=None if max_params is None else parse_parameters(max_params),
            init=init,
        )
        processes.broadcast_from_main(lambda: check_new_run(runs_dir, name))
        resolved = resolve_training(request, progress, processes)
        return start_run(
            resolved.recipe,
            name=name,
            runs_dir=runs_dir,
            data=data,
            strict=strict,
            opened=resolved.opened,
            notes=resolved.notes,
            progress=progress,
            budget=resolved.budget,
            trackers=trackers,
            callbacks=callbacks,
            processes=processes,
        )


def _refuse_unused(given: Mapping[str, object], *, because: str) -> None:
    """Check that no argument would be ignored."""
    for name, value in given.items():
        if value is not None and value != ():
            raise RecipeError(f"{because}; leave out {name}")


def track(run: Path | str, trackers: Sequence[str]) -> None:
    """Send what is new of a run to trackers: in training, when finished, after an evaluation.

    Args:
        run: A run folder.
        trackers: Of `tensorboard`, `mlflow` and `wandb`; docs/reports.md says where each writes.

    Raises:
        RunError: There is no run.
        TrackingError: A tracker is unknown, not installed or unreachable.
    """
    track_run(find_run(run), trackers)


def predict(
    model: Classifier | Path | str,
    images: NDArray[np.uint8] | Tensor | Picture | Iterable[Picture],
) -> list[Prediction]:
    """Classify pictures: image files, bytes, Pillow images, arrays and tensors.

    Args:
        model: A classifier, or an argument for `load_model`: shipped weights, a run or model file.
        images: An (N, 32, 32, 3) uint8 array, an (N, 3, 32, 32) uint8 tensor, or one or more
            pictures of any size and mixed kinds: paths of image files and folders, which are read
            in natural order; the bytes of a file; Pillow images; pixels as an (H, W, 3) uint8 array
            or a tensor. The prediction of a file has its `file`.

    Raises:
        RunError: There is no finished network.
        ImageError: A picture cannot be read.
        DataError: A folder has no pictures.
        ValueError: An array or tensor of several images has another shape or type.
    """
    classifier = model if isinstance(model, Classifier) else load_model(model)
    return classifier.predict(images)


def write_report(
    runs: Path | str | Sequence[Path | str],
    *,
    output: Path | str | None = None,
    data: Path | str | None = None,
    storage: str | None = None,
) -> Report:
    """Write the report of a run, of several runs together, or of a study of `thriftnet search`.

    A report is an HTML page and figures as files. Nothing is downloaded for it.

    Args:
        runs: One or several run folders, names of shipped weights or model files; or one study
            folder. A network without a run is evaluated once, if its images are available.
        output: Folder for `report.html` and `figures/`; None: the run's or study's own,
            `NAME-report` here for a network, `report` next to the first of several.
        data: Path of a single run's images, for the pictures in its report; None: as in its recipe.
        storage: Address of a study's database, unless it is a file in its folder.

    Raises:
        RunError: A path is no run, the report cannot be written, or `data` would be ignored.
        SearchError: A study was given with other folders, or its storage cannot be read.
        RecipeError: The recipe of a run was edited and is invalid.
        DataError: `data` was given and cannot be read.
    """
    from thriftnet.report import build  # brings matplotlib, which nothing else here needs

    data = given_path(data, "data")
    given = [runs] if isinstance(runs, str | Path) else runs
    found = evaluated_runs(given, data=data, fetch=False)
    output = given_path(output, "output")
    return build.write_report(found, output=output, data=data, storage=storage)


def compare(
    runs: Path | str | Sequence[Path | str],
    *,
    tta: str | None = None,
    metric: str = "accuracy",
    data: Path | str | None = None,
) -> Comparison:
    """Compare the test accuracy of recipes by their runs, and test differences for significance.

    Args:
        runs: Two or more run folders, names of shipped weights or model files. Those that differ
            only in their seed form a group, which is compared with that of the first. If they
            cannot be compared there is no test, and `incomparable_reason` says why.
        tta: Test-time augmentation; None: that of each recipe.
        metric: `accuracy`, or `balanced_accuracy`: the mean recall of the classes.
        data: Path of the images of model files; None: CIFAR-10.

    Raises:
        RunError: A path is not a run, fewer than two are given, or none can be used.
        DataError: `data` cannot be read.
    """
    from thriftnet.comparison import compare as comparing

    data = given_path(data, "data")
    runs = [runs] if isinstance(runs, str | Path) else runs
    return comparing.compare(runs, tta=tta, metric=metric, data=data)
