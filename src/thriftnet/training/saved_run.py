"""Reads and checks the saved state of an interrupted training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thriftnet.errors import NoCheckpointError, RunError
from thriftnet.models.tensors import check_model_file
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import restart_advice, retrain_advice
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line
from thriftnet.training.data import other_images, own_section
from thriftnet.training.images import HELD_OUT
from thriftnet.training.state import TrainingState, training_digest


@dataclass(frozen=True)
class SavedRun:
    """The saved state of an interrupted training."""

    run: RunFolder
    recipe: Recipe
    checkpoint: dict[str, Any] | None
    """The latest complete one; None if the run has none."""
    damage: str | None = None
    """What is wrong with the last checkpoint, if `checkpoint` is the previous one."""


def read_saved(path: Path) -> SavedRun:
    """A run folder's recipe and last checkpoint.

    Raises:
        RunError: There is no run, or its checkpoints are damaged.
        RecipeError: The recipe was cut or changed.
    """
    run = RunFolder.open(path)
    recipe = run.recipe()
    try:
        checkpoint, damage = run.find_state()
    except NoCheckpointError:
        return SavedRun(run, recipe, None)
    return SavedRun(run, recipe, checkpoint, damage)


def is_over(run: RunFolder) -> bool:
    """Whether the run is complete; a full disk can leave the weights without the last line."""
    if not run.finished or not run.saved.exist:
        return run.finished
    return bool(last_line(run.metrics(outline=True), "end")) and is_intact(run)


def is_intact(run: RunFolder) -> bool:
    """Whether the final network can be used; otherwise a checkpoint has it, if there is one."""
    try:
        check_model_file(run.model_path)
    except RunError:
        return False
    return True


def check_best(saved: SavedRun) -> None:
    """Check the best weights so far before the training that selects them at its end.

    Raises:
        RunError: They are damaged.
    """
    if saved.recipe.train.select == "best" and (saved.checkpoint or {}).get("best_epoch"):
        try:
            check_model_file(saved.run.best_path)
        except RunError as fault:
            reason = str(fault).rpartition(";")[0]
            raise RunError(f"{reason}; {restart_advice(saved.run)}") from None


def check_data(saved: SavedRun, digests: Mapping[str, str], *, name: str) -> None:
    """Check that the images are those the run started with, if the run recorded them.

    Args:
        saved: The run.
        digests: Of the images to continue with.
        name: Of those images.

    Raises:
        RunError: They differ.
    """
    began = saved.run.environment().get("data") or digests
    trained = (saved.checkpoint or {}).get("data") or began
    if HELD_OUT in began and HELD_OUT not in digests:
        raise RunError(
            f"{saved.run.path} belongs to an audit, which set its split; resume the audit "
            "with the command that began it"
        )
    if not began == trained == digests:
        raise RunError(
            other_images(
                str(saved.run.path),
                name,
                trained_on=began,
                now=digests,
                decisions=own_section(saved.run, saved.recipe.data).decisions,
                remedy="name those with --data PATH, or retrain",
            )
        )


def load_saved(saved: SavedRun, state: TrainingState) -> None:
    """Load a checkpoint into the state of a training.

    Raises:
        RunError: The checkpoint belongs to another recipe, or a weight in it is not finite.
    """
    if saved.checkpoint is None:
        return
    own = training_digest(saved.recipe)
    try:
        # Earlier versions wrote no key, later only the digest.
        if not own.startswith(saved.checkpoint.get("recipe", own)):
            raise ValueError("another recipe")
        state.load_checkpoint(saved.checkpoint)
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        raise RunError(
            f"the checkpoint of {saved.run.path} does not fit its recipe.yaml; "
            "undo what was changed there"
        ) from None
    if name := state.find_not_finite():
        raise RunError(
            f"the checkpoint of {saved.run.path} holds weights that are not finite ({name}); "
            f"{retrain_advice(saved.run)}"
        )
