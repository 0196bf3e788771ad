"""The training loop: epochs of steps, each epoch validated, logged and checkpointed."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.augment.mix import MixDraws
from thriftnet.augment.pipeline import Draws
from thriftnet.errors import TrainingError
from thriftnet.models.describe import training_flops
from thriftnet.models.saved import read_model, save_model
from thriftnet.models.speednet import SpeedNet
from thriftnet.optim.build import set_learning_rate
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import MetricRecord, RunFolder
from thriftnet.runtime.threads import own_threads
from thriftnet.training.checkpoints import Checkpoints
from thriftnet.training.distributed.shared_step import SharedStep, Trained
from thriftnet.training.interrupt import StopRequest
from thriftnet.training.progress import Progress, StepStats
from thriftnet.training.rng import derive_seed, generator
from thriftnet.training.setup import Plan, as_saved
from thriftnet.training.state import EpochTotals, TrainingState


def fit(
    recipe: Recipe,
    plan: Plan,
    state: TrainingState,
    run: RunFolder,
    progress: Progress,
    stop: StopRequest,
    *,
    deadline: float | None = None,
    until: int | None = None,
) -> bool:
    """Train from where `state` stands to the end of the plan.

    Args:
        recipe: What the run is.
        plan: What stays the same.
        state: What changes.
        run: Where checkpoints, metrics and the final model go; the first process alone writes.
        progress: Told of every step and epoch.
        stop: Looked at after every step; asking one process stops all.
        deadline: By `time.monotonic()`; a run that would be late takes fewer steps than planned.
        until: Stop after so many epochs, as if asked to; none: at the end of the plan.

    Returns:
        Whether the run came to its end; if not, its checkpoint is written and `--resume` goes on.

    Raises:
        TrainingError: The loss is no longer finite.
        RunError: The disk is full; the last whole checkpoint stays.
        ProcessError: One of several processes is gone.
    """
    checkpoints = Checkpoints(recipe, plan, state, run)
    while state.step < state.total_steps:
        epoch, first = plan.epochs.locate(state.step)
        if until is not None and epoch >= until:  # a run that has come this far before
            return _interrupted(plan, state, run, progress)
        steps = plan.epochs.steps_in(epoch)
        if first == 0 or state.order is None:
            draws = generator(plan.seed, "order", epoch)
            state.order = plan.epochs.order(epoch, state.losses, generator=draws)
        if plan.processes.alone:  # another process of this training is no other work
            state.contention.start()
        for index in range(first, steps):
            began = time.monotonic()
            batch = state.order[index * plan.batch_size : (index + 1) * plan.batch_size]
            train_step(plan, state, batch, epoch=epoch)
            state.totals.seconds += time.monotonic() - began
            state.seconds += time.monotonic() - began
            progress.step(_moment(plan, state, epoch))
            if deadline is not None:
                _keep_to(deadline, plan, state)
            if index + 1 == steps or state.step == state.total_steps:
                break
            if plan.processes.any(stop.requested):
                checkpoints.write()
                return _interrupted(plan, state, run, progress)
            checkpoints.within_epoch()
        if plan.processes.is_main:  # the others wait for it where all agree on a stop
            _tell(run, progress, _finish_epoch(recipe, plan, state, run, epoch))
        state.totals = EpochTotals()
        stopped = plan.processes.any(stop.requested) or epoch + 1 == until
        if stopped or state.step == state.total_steps:
            checkpoints.write()
        else:
            checkpoints.after_epoch()
        if stopped and state.step < state.total_steps:
            return _interrupted(plan, state, run, progress)
    if plan.processes.is_main:
        _finish_run(recipe, plan, state, run, progress)
    return True


def train_step(plan: Plan, state: TrainingState, batch: Tensor, *, epoch: int) -> None:
    """Move the weights once, by the mean gradient of a batch taken in micro-batches.

    Args:
        plan: What stays the same.
        state: Changed in place.
        batch: (B,) positions in the training images, on the CPU.
        epoch: Counted from 0.

    Raises:
        TrainingError: The loss is not finite; the weights have not been moved by it.
    """
    draws = generator(plan.seed, "augment", state.step)
    torch.manual_seed(derive_seed(plan.seed, "network", state.step))  # stochastic depth
    factor = plan.schedule(state.step, state.total_steps)
    set_learning_rate(state.optimisers, factor)
    state.model.train()
    if plan.stem_epochs is not None and isinstance(state.model, SpeedNet):
        state.model.train_stem(epoch < plan.stem_epochs)
    parts = batch.split(plan.micro_batch)
    sizes = [len(at) for at in parts]
    step = SharedStep(plan.processes, state.replicas, sizes, split=plan.sync_batch_norm)
    drawn: list[Draws] = []
    mixings: list[MixDraws | None] = []
    for size in sizes:
        drawn.append(plan.augment.draw(size, **plan.pixels, generator=draws))
        mixings.append(plan.mix.draw(size, **plan.pixels, generator=draws) if plan.mix else None)
    ready = None
    if plan.processes.alone and not plan.compute.prefers_small:
        ready = _augmented(plan, state, batch, Draws.join(drawn)).split(plan.micro_batch)

    def forward(number: int, own: slice, network: nn.Module) -> Trained:
        at, mixing = parts[number], mixings[number]
        images = ready[number] if ready else _augmented(plan, state, at, drawn[number])
        labels = targets = plan.labels[at.to(plan.compute.device)]
        if plan.mix and mixing:
            one_hot = F.one_hot(labels, len(plan.classes)).float()
            images, targets = plan.mix.apply(images, one_hot, mixing)
        labels, targets = labels[own], targets[own]
        images = plan.sizes.resize(images[own], epoch)
        with plan.compute.autocast():
            logits = network(images).float()
        smoothing = plan.label_smoothing
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
        return loss, logits, labels

    with own_threads(step.threads):
        step.train(forward)
        _note(plan, state, batch, step)
        for optimiser in state.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if state.average:
            state.average.update(state.model, step=state.step)
    state.step += 1


def _note(plan: Plan, state: TrainingState, batch: Tensor, step: SharedStep) -> None:
    """Take in the losses of a step.

    Raises:
        TrainingError: One is not finite.
    """
    for value, correct in step.sums.tolist():
        if not math.isfinite(value):
            _refuse(state, value)
        state.totals.loss += value
        state.totals.correct += int(correct)
    state.totals.images += len(batch)
    state.losses[batch] = plan.epochs.average(state.losses[batch], step.losses.float())
    state.seen[batch] += 1


def _augmented(plan: Plan, state: TrainingState, at: Tensor, drawn: Draws) -> Tensor:
    """The training images at (n,) positions, as the network sees them: (n, 3, H, W) float32."""
    part, seen = at.to(plan.compute.device), state.seen[at].to(plan.compute.device)
    return plan.augment.apply(plan.images[part], drawn, indices=part, seen=seen)


def _keep_to(deadline: float, plan: Plan, state: TrainingState) -> None:
    """Set the number of steps to the planned ones that can be done in time; late, take one more.

    What a slow start or a busy minute took away comes back as far as the time allows.
    """
    done = plan.operations(state.step)
    affordable = done + (deadline - time.monotonic()) * done / state.seconds
    steps = bisect_right(range(plan.total_steps + 1), affordable, key=plan.operations) - 1
    total = steps if steps > state.step else min(state.total_steps, state.step + 1)
    state.total_steps = plan.processes.broadcast_from_main(lambda: total)  # by one clock


def _interrupted(plan: Plan, state: TrainingState, run: RunFolder, progress: Progress) -> bool:
    if plan.processes.is_main:
        _tell(run, progress, {"kind": "interrupted", "step": state.step})
    return False


def _refuse(state: TrainingState, value: float, *, what: str = "loss") -> None:
    rate = state.learning_rate
    raise TrainingError(
        f"the {what} became {value} at step {state.step} of {state.total_steps} "
        f"(learning rate {rate:.3g}); lower optim.lr or lengthen schedule.warmup_epochs"
    )


def validate(plan: Plan, state: TrainingState) -> tuple[float, float] | None:
    """Mean loss and accuracy on the validation images; none where there are none.

    Raises:
        TrainingError: The loss is not finite.
    """
    if len(plan.val_images) == 0:
        return None
    logits = plan.engine(state.network).logits(plan.val_images)
    labels = plan.val_labels.cpu()
    loss = F.cross_entropy(logits, labels).item()
    if not math.isfinite(loss):
        _refuse(state, loss, what="validation loss")
    return loss, (logits.argmax(1) == labels).float().mean().item()


def _finish_epoch(
    recipe: Recipe, plan: Plan, state: TrainingState, run: RunFolder, epoch: int
) -> MetricRecord:
    """Validate, keep the best weights, and sum the epoch up in a line."""
    began = time.monotonic()
    validation = validate(plan, state)
    if validation and validation[1] > state.best_accuracy:
        state.best_accuracy, state.best_epoch = validation[1], epoch + 1
        save_model(run.best_path, as_saved(recipe, plan, state.network))
    totals = state.totals
    state.seconds += time.monotonic() - began
    return {
        "kind": "epoch",
        "epoch": epoch + 1,
        "epochs": math.ceil(plan.epochs.epochs(state.total_steps)),
        "step": state.step,
        "train_loss": totals.loss / totals.images,
        "train_accuracy": totals.correct / totals.images,
        "val_loss": validation[0] if validation else None,
        "val_accuracy": validation[1] if validation else None,
        "learning_rate": state.learning_rate,
        "images_per_second": totals.images / totals.seconds,
        "seconds": state.seconds,
        "cpu_contention": state.contention.share(),
    }


def _finish_run(
    recipe: Recipe, plan: Plan, state: TrainingState, run: RunFolder, progress: Progress
) -> None:
    """Keep the weights that the recipe selects and close the metrics."""
    best = recipe.train.select == "best"
    chosen = read_model(run.best_path).network if best else state.network
    save_model(run.model_path, as_saved(recipe, plan, chosen))
    end: dict[str, Any] = {
        "kind": "end",
        "step": state.step,
        "seconds": state.seconds,
        "images": plan.epochs.images_in(state.step),
        "pflop": plan.operations(state.step) / 1e15,
        "best_val_accuracy": state.best_accuracy if state.best_epoch else None,
        "best_epoch": state.best_epoch or None,
        "selected": recipe.train.select,
    }
    _tell(run, progress, end)


def _moment(plan: Plan, state: TrainingState, epoch: int) -> StepStats:
    totals = state.totals
    rate = totals.images / max(totals.seconds, 1e-9)
    # At this epoch's rate of operations, since other epochs may have images of another size.
    speed = rate * training_flops(plan.sizes.macs[plan.sizes.side(epoch)], 1)
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
    )


def _tell(run: RunFolder, progress: Progress, line: MetricRecord) -> None:
    run.append(line)
    progress.line(line)
