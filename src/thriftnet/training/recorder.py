"""Records a training: metrics, progress, checkpoints, the best and the final network."""

from __future__ import annotations

import math
import time
from dataclasses import fields

import torch.nn.functional as F

from thriftnet.models.saved import read_model, save_model
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training.checkpoints import Checkpoints
from thriftnet.training.progress import Progress, StepStats
from thriftnet.training.progress.callbacks import Callbacks, EpochStats
from thriftnet.training.setup import Plan, as_saved
from thriftnet.training.state import EpochTotals, TrainingState

_FIRST_TOLD = 5.0
"""Seconds of training before a changed length is told; the first steps say little."""
_NOTABLE = 0.1
"""Relative change of the number of epochs that is told."""


class Recorder:
    """Writes the run folder and progress. Each process has one; only the main one writes."""

    def __init__(
        self,
        recipe: Recipe,
        plan: Plan,
        state: TrainingState,
        run: RunFolder,
        progress: Progress,
        callbacks: Callbacks | None = None,
    ) -> None:
        self.checkpoints = Checkpoints(recipe, plan, state, run)
        self._callbacks = callbacks or Callbacks()
        self._recipe, self._plan, self._state = recipe, plan, state
        self._run, self._progress = run, progress
        self._told, self._tell_at = plan.epochs.epochs(plan.total_steps), _FIRST_TOLD

    def begin_epoch(self) -> None:
        """Start to measure the epoch's use of the CPU, and that of other programs."""
        if self._plan.processes.alone:  # the training's other processes would count as such
            self._state.contention.start()
        self._state.usage.start()

    def step(self, epoch: int, *, seconds: float) -> None:
        """Record a step and its duration."""
        self._state.totals.seconds += seconds
        self._state.seconds += seconds
        stats = _step_stats(self._plan, self._state, epoch)
        self._progress.step(stats)
        if self._plan.processes.is_main:
            self._callbacks.step(stats)

    def tell_length(self) -> None:
        """Say that a time budget buys more or fewer epochs than was said; rarely."""
        state = self._state
        if state.seconds < self._tell_at:
            return
        self._tell_at = 2 * state.seconds
        epochs = self._plan.epochs.epochs(state.total_steps)
        if abs(epochs - self._told) > _NOTABLE * self._told:
            how = "faster" if epochs > self._told else "slower"
            self._told = epochs
            self._progress.note(
                f"training has become {how}: about {epochs:.3g} epochs fit the time budget"
            )

    def obey_callbacks(self, stop: StopRequest) -> None:
        """Stop for a callback's exception, and end for its `StopTraining`, in every process."""
        if self._callbacks.given:
            stop.requested = stop.requested or self._callbacks.fault is not None
            if self._plan.processes.any(self._callbacks.stopped):
                self._state.total_steps = self._state.step

    def end_epoch(self, epoch: int) -> None:
        """Validate, save the best weights, write the metrics and check early stopping.

        The other processes wait for the main one at the next collective.

        Raises:
            TrainingError: The validation loss is not finite.
            RunError: The disk is full.
        """
        state = self._state
        if self._plan.processes.is_main:
            began = time.monotonic()
            validation = validate(self._plan, state)
            if validation and validation[1] > state.best_accuracy:
                state.best_accuracy, state.best_epoch = validation[1], epoch + 1
                self._save_best()
            state.seconds += time.monotonic() - began
            record = _epoch_record(self._plan, state, epoch, validation)
            self._record(record)
            self._callbacks.epoch(_epoch_stats(record, state))
        state.totals = EpochTotals()
        if self._recipe.train.patience and self._plan.processes.any(self._stops_early(epoch + 1)):
            state.total_steps = state.step

    def _save_best(self) -> None:
        """Save the best weights so far; they outlive a power cut where the training needs them."""
        self._run.check_in_place()
        best = as_saved(self._recipe, self._plan, self._state.network)
        needed = self._recipe.train.select == "best"
        save_model(self._run.best_path, best, durable=needed)

    def _stops_early(self, epochs: int) -> bool:
        """Whether the validation accuracy, known to the main process, has stopped improving."""
        patience, plan = self._recipe.train.patience, self._plan
        waited = epochs - self._state.best_epoch
        return plan.processes.is_main and 0 < patience <= waited

    def interrupted(self) -> bool:
        """Record that the training was interrupted; returns False, the result of `fit`."""
        if self._plan.processes.is_main:
            self._record({"kind": "interrupted", "step": self._state.step})
        return False

    def finish(self) -> None:
        """Save the weights that the recipe selects and write the last line of the metrics."""
        recipe, plan, state = self._recipe, self._plan, self._state
        if not plan.processes.is_main:
            return
        self._run.check_in_place()
        best = recipe.train.select == "best"
        chosen = read_model(self._run.best_path).network if best else state.network
        save_model(self._run.model_path, as_saved(recipe, plan, chosen))
        self._record(
            {
                "kind": "end",
                "step": state.step,
                "seconds": state.seconds,
                "images": plan.epochs.images_in(state.step),
                "pflop": plan.operations(state.step) / 1e15,
                "best_val_accuracy": state.best_accuracy if state.best_epoch else None,
                "best_epoch": state.best_epoch or None,
                "selected": recipe.train.select,
            }
        )

    def _record(self, line: MetricRecord) -> None:
        self._run.check_in_place()
        self._run.append(line)
        self._progress.line(line)


def validate(plan: Plan, state: TrainingState) -> tuple[float, float] | None:
    """Mean loss and accuracy on the validation images; None without validation images.

    Raises:
        TrainingError: The loss is not finite.
    """
    if len(plan.val_images) == 0:
        return None
    logits = plan.engine(state.network).logits(plan.val_images)
    labels = plan.val_labels.cpu()
    loss = F.cross_entropy(logits, labels).item()
    if not math.isfinite(loss):
        raise state.diverged(loss, what="validation loss")
    return loss, (logits.argmax(1) == labels).float().mean().item()


def _epoch_record(
    plan: Plan, state: TrainingState, epoch: int, validation: tuple[float, float] | None
) -> MetricRecord:
    totals = state.totals
    entropy = totals.cross_entropy / totals.images
    return {
        "kind": "epoch",
        "epoch": epoch + 1,
        "epochs": math.ceil(plan.epochs.epochs(state.total_steps)),
        "step": state.step,
        "train_loss": totals.loss / totals.images,
        "train_cross_entropy": entropy if math.isfinite(entropy) else None,
        "train_accuracy": totals.correct / totals.images,
        "val_loss": validation[0] if validation else None,
        "val_accuracy": validation[1] if validation else None,
        "learning_rate": state.learning_rate,
        "images_per_second": _rate(totals),
        "seconds": state.seconds,
        "cpu_contention": state.contention.share(),
        **vars(state.usage.read(plan.compute.device)),
        "steps": state.curve.take(),
    }


def _rate(totals: EpochTotals) -> float:
    """Images per second; a coarse clock may not have moved."""
    return totals.images / max(totals.seconds, 1e-9)


def _epoch_stats(record: MetricRecord, state: TrainingState) -> EpochStats:
    known = {each.name for each in fields(EpochStats)}
    figures = {key: value for key, value in record.items() if key in known}
    return EpochStats(**figures, network=state.network)


def _step_stats(plan: Plan, state: TrainingState, epoch: int) -> StepStats:
    totals = state.totals
    rate = _rate(totals)
    # By operations, not images: other epochs may use other image sizes.
    speed = rate * plan.image_operations(plan.sizes.side(epoch))
    left = (plan.operations(state.total_steps) - plan.operations(state.step)) / speed
    first = plan.epochs.first_step(epoch)
    steps = min(plan.epochs.steps_in(epoch), state.total_steps - first)
    return StepStats(
        epoch=epoch + 1,
        epochs=math.ceil(plan.epochs.epochs(state.total_steps)),
        share=(state.step - first) / steps,
        loss=totals.loss / totals.images,
        accuracy=totals.correct / totals.images,
        learning_rate=state.learning_rate,
        images_per_second=rate,
        seconds_left=left,
        cpu_contention=state.contention.latest(),
        step=state.step,
    )
