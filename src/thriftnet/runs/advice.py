"""Advice for messages about unfinished runs and taken names, with the command to run."""

from __future__ import annotations

from pathlib import Path

from thriftnet.commands import command
from thriftnet.errors import ThriftnetError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import find_writer
from thriftnet.runs.metrics_log import MetricRecord


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
