"""Advice for messages about runs: unfinished, uncalibrated, of a taken name; with the command."""

from __future__ import annotations

import math
from pathlib import Path

from thriftnet.commands import command, shell_line
from thriftnet.errors import ThriftnetError
from thriftnet.models.calibration import LEAST_IMAGES
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import find_writer
from thriftnet.runs.metrics_log import MetricRecord

_COMPANION = 1.2 * LEAST_IMAGES
"""Images that a companion holds out at the least: classes are rounded down."""
_MOST = 0.5
"""Share of the training images that a companion may do without."""


def advise(run: RunFolder) -> str:
    """Why a run has no final model and what to do: `is being trained by ...; follow it with: ...`.

    Raises:
        RunError: Its metrics are damaged.
        RecipeError: Its recipe is wrong.
    """
    writer = find_writer(run)
    if writer is not None:
        return f"is being trained by {writer}; follow it with: {command('watch', run.path)}"
    lines = run.metrics(outline=True)
    if lines and lines[-1].get("kind") == "failed":
        return f"failed ({failure_reason(lines[-1])}); {retrain_advice(run)}"
    resume = command("train", "--resume", run.path)
    return f"has no final model yet; finish it with: {resume}"


def failure_reason(line: MetricRecord) -> str:
    """Why a training failed, without advice, from the line `failed` of its metrics."""
    return str(line.get("reason") or "no reason was recorded").partition(";")[0]


def retrain_advice(run: RunFolder) -> str:
    """What to do after a training diverged.

    Raises:
        RecipeError: The run's recipe is wrong.
    """
    lower = f"optim.lr={run.recipe().optim.lr / 10:g}"
    again = command("train", run.recipe_path, "--set", lower)
    return f"retrain it with a lower learning rate: {again}"


def restart_advice(run: RunFolder) -> str:
    """What to do where an interrupted training cannot go on."""
    again = command("train", "--resume", run.path, "--restart")
    return f"start again in the same folder, where earlier files are set aside, with: {again}"


def started(run: RunFolder) -> MetricRecord:
    """The first record of a run's metrics; empty if it is lost."""
    return next((line for line in run.metrics() if line.get("kind") == "start"), {})


def held_out_advice(run: RunFolder | None, *, recipe: object = None) -> str:
    """How to get held-out images: from a companion, if it would hold enough of them out.

    A run's own recipe is named by its file, as it may have been chosen for the pictures or changed
    by options.

    Args:
        run: The run of the network; None: it is a file alone.
        recipe: The name of its recipe, without a run.
    """
    images = started(run).get("train_images") if run else None
    ratio = 0.1 if images is None else max(0.1, math.ceil(100 * _COMPANION / images) / 100)
    if ratio > _MOST:
        return f"give {LEAST_IMAGES} or more labelled images that it never saw with --data PATH"
    trained = run.recipe_path if run else str(recipe or "RECIPE")
    name = f"{run.name if run else trained}-companion"
    place = (run.path.parent if run else Path("runs")) / name
    options: list[str | Path] = ["--set", f"data.val_ratio={ratio:g}", "--name", name]
    if place.parent != Path("runs"):
        options += ["--runs-dir", place.parent]
    return (
        "give labelled images that it never saw with --data PATH, or train a companion with "
        f"{command('train', trained, *options)} and give it with {shell_line('--companion', place)}"
    )


def other_use(path: Path) -> str:
    """What to do with the run that has a requested name; empty if the path is not a run."""
    try:
        run = RunFolder.open(path)
        if run.finished:
            return f", or see what it reached with: {command('evaluate', path)}"
        if find_writer(run):
            return f", or follow it with: {command('watch', path)}"
    except ThriftnetError:
        return ""
    return f", or resume with: {command('train', '--resume', path)}"
