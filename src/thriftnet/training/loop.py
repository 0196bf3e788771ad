"""The training loop: epochs of steps."""

from __future__ import annotations

import math
import time
from bisect import bisect_right

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.augment.mix import MixDraws
from thriftnet.augment.pipeline import Draws
from thriftnet.data.balance import repeats_before
from thriftnet.models.speednet import SpeedNet
from thriftnet.optim.build import set_learning_rate
from thriftnet.runtime.device import to_device
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.runtime.threads import own_threads
from thriftnet.training.distributed.shared_step import SharedStep, Trained
from thriftnet.training.order import average_losses
from thriftnet.training.progress.step_curve import gradient_norm, steps_per_point
from thriftnet.training.recorder import Recorder
from thriftnet.training.rng import derive_seed, generator, seed_network
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState

Views = tuple[Tensor, ...]
"""(n, 3, H, W) float32, each: a step's images once, or twice where it sees them twice."""


def fit(
    plan: Plan,
    state: TrainingState,
    recorder: Recorder,
    stop: StopRequest,
    *,
    deadline: float | None = None,
    until: int | None = None,
) -> bool:
    """Train from the current step to the end of the plan.

    Args:
        plan: Everything that stays constant.
        state: Everything that changes.
        recorder: Called for every step and epoch; writes metrics, checkpoints and the final model.
        stop: Checked after every step; a request to one process stops all.
        deadline: By `time.monotonic()`; a run that would be late takes fewer steps.
        until: Stop after this many epochs, as if interrupted; None: train to the end.

    Returns:
        Whether the run finished; if not, a checkpoint is written, from which `--resume` continues.

    Raises:
        TrainingError: The loss is no longer finite.
        RunError: The disk is full; the last complete checkpoint is kept.
        ProcessError: One of several processes is gone.
    """
    while state.step < state.total_steps:
        epoch, first = plan.epochs.locate(state.step)
        if until is not None and epoch >= until:  # resumed after that epoch
            return recorder.interrupted()
        steps = plan.epochs.steps_in(epoch)
        if first == 0 or state.order is None:
            state.order = plan.order(epoch, state.losses)
        recorder.begin_epoch()
        for index in range(first, steps):
            began = time.monotonic()
            batch = state.order[index * plan.batch_size : (index + 1) * plan.batch_size]
            train_step(plan, state, batch, epoch=epoch)
            recorder.step(epoch, seconds=time.monotonic() - began)
            if deadline is not None:
                _adjust_total_steps(deadline, plan, state)
                recorder.tell_length()
            recorder.obey_callbacks(stop)
            if index + 1 == steps or state.step == state.total_steps:
                break
            if plan.processes.any(stop.requested):
                recorder.checkpoints.write()
                return recorder.interrupted()
            recorder.checkpoints.within_epoch()
        recorder.end_epoch(epoch)
        recorder.obey_callbacks(stop)
        stopped = plan.processes.any(stop.requested) or epoch + 1 == until
        if stopped or state.step == state.total_steps:
            recorder.checkpoints.write()
        elif until is None:
            recorder.checkpoints.after_epoch()
        else:  # a job of a search, often of seconds, which ends with a checkpoint
            recorder.checkpoints.within_epoch()
        if stopped and state.step < state.total_steps:
            return recorder.interrupted()
    recorder.finish()
    return True


def train_step(plan: Plan, state: TrainingState, batch: Tensor, *, epoch: int) -> None:
    """Take one step with the plan's objective and update on a batch.

    Args:
        plan: Everything that stays constant.
        state: Updated in place.
        batch: (B,) positions in the training images, on the CPU.
        epoch: Counted from 0.

    Raises:
        TrainingError: The loss is not finite.
    """
    # Stochastic depth draws from it.
    seed_network(derive_seed(plan.seed, "network", state.step), plan.compute.device)
    set_learning_rate(state.optimisers, plan.schedule(state.step, state.total_steps))
    state.model.train()
    if plan.stem_epochs is not None and isinstance(state.model, SpeedNet):
        state.model.train_stem(epoch < plan.stem_epochs)
    micro_batches = _MicroBatches(plan, state, batch, epoch=epoch)
    step = SharedStep(
        plan.processes,
        state.replicas,
        micro_batches.sizes,
        split=plan.sync_batch_norm,
        views=plan.views,
        at_once=plan.at_once,
    )

    def forward(number: int, own: slice, network: nn.Module) -> Trained:
        if plan.at_once:
            images, targets, labels = micro_batches.take_all()
        else:
            images, targets, labels = micro_batches.take(number, own)
        return *plan.objective(network, images, targets), labels

    first: list[tuple[list[Tensor], Tensor | None]] = []

    def gradients() -> None:
        kept = step.train(forward)
        if not first:  # an update may ask again, at other weights
            first.append((kept, _point_norm(plan, state)))

    with own_threads(step.threads):
        plan.update(state, gradients)
    # After the update, so that an accelerator has everything to do before it is waited for.
    (kept, norm), *_ = first
    step.collect(kept)
    _check_losses(state, step)
    _record_losses(plan, state, batch, step, norm)
    state.step += 1


class _MicroBatches:
    """The micro-batches of a step, with their random draws."""

    def __init__(self, plan: Plan, state: TrainingState, batch: Tensor, *, epoch: int) -> None:
        self._plan, self._epoch = plan, epoch
        self._parts = batch.split(plan.micro_batch)
        visits = state.visits[batch]
        if plan.balance is not None:  # an image may be in a batch more than once
            visits += repeats_before(batch)
        self._visits = visits.split(plan.micro_batch)
        self.sizes = [len(at) for at in self._parts]
        draws = generator(plan.seed, "augment", state.step)
        self._drawn: list[Draws] = []
        self._mixings: list[MixDraws | None] = []
        for size in self.sizes:
            self._drawn.append(plan.augment.draw(size, **plan.pixels, generator=draws))
            mixing = plan.mix.draw(size, **plan.pixels, generator=draws) if plan.mix else None
            self._mixings.append(mixing)
        self._ready: list[Views] | None = None
        if plan.processes.alone and not plan.compute.prefers_small:
            whole = self._augmented(batch, Draws.join(self._drawn), visits)
            if plan.at_once and plan.mix is None:  # images are mixed within a micro-batch
                self._parts = (batch,)
            self._ready = list(
                zip(*(each.split(len(self._parts[0])) for each in whole), strict=True)
            )

    def take_all(self) -> tuple[Tensor, Tensor, Tensor]:
        """Augmented images, targets and labels of the batch, micro-batch by micro-batch."""
        taken = [self.take(number, slice(None)) for number in range(len(self._parts))]
        if len(taken) == 1:
            return taken[0]
        images, targets, labels = (torch.cat(parts) for parts in zip(*taken, strict=True))
        return images, targets, labels

    def take(self, number: int, own: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Augmented images, targets and labels of a slice of a micro-batch.

        With two views per image, all second views follow the first ones.
        """
        plan, at, mixing = self._plan, self._parts[number], self._mixings[number]
        ready = self._ready
        if ready:
            views = ready[number]
        else:
            views = self._augmented(at, self._drawn[number], self._visits[number])
        labels = targets = plan.labels[to_device(at, plan.compute.device)]
        if plan.mix and mixing:
            one_hot = F.one_hot(labels, len(plan.classes)).float()
            mixed = [plan.mix.apply(images, one_hot, mixing) for images in views]
            views, targets = tuple(images for images, _ in mixed), mixed[0][1]
        sized = [plan.sizes.resize(images[own], self._epoch) for images in views]
        images = sized[0] if len(sized) == 1 else torch.cat(sized)
        return images, targets[own], labels[own]

    def _augmented(self, at: Tensor, drawn: Draws, visits: Tensor) -> Views:
        """Augmented training images at (n,) positions, as each view."""
        plan = self._plan
        images = plan.images[to_device(at, plan.compute.device)]
        # Alternating flips are chosen on the CPU: an accelerator would be waited for.
        how = {"indices": at, "visits": visits}
        if plan.views == 1:
            return (plan.augment.apply(images, drawn, **how),)
        return plan.augment.views(images, drawn, **how)


def _check_losses(state: TrainingState, step: SharedStep) -> None:
    """Check the losses of a step.

    Raises:
        TrainingError: One is not finite.
    """
    for value in step.sums[:, 0].tolist():
        if not math.isfinite(value):
            raise state.diverged(value)


def _point_norm(plan: Plan, state: TrainingState) -> Tensor | None:
    """The norm of the gradients if this step ends a point of the curve."""
    ends = (state.step + 1) % steps_per_point(plan.total_steps) == 0
    return gradient_norm(state.replicas.parameters) if ends and plan.processes.is_main else None


def _record_losses(
    plan: Plan, state: TrainingState, batch: Tensor, step: SharedStep, norm: Tensor | None
) -> None:
    """Record the losses of a step, and that its images were visited."""
    for value, correct in step.sums.tolist():
        state.totals.loss += value
        state.totals.correct += int(correct)
    state.totals.images += len(batch)
    state.totals.cross_entropy += step.losses.sum().item()
    if plan.processes.is_main:
        state.curve.add(step.sums[:, 0].sum().item(), len(batch))
        if norm is not None:
            state.curve.end_point(state.step + 1, norm.item())
    state.losses[batch] = average_losses(
        state.losses[batch], step.losses.float(), decay=plan.epochs.loss_decay
    )
    state.visits.index_add_(0, batch, torch.ones_like(batch))


def _adjust_total_steps(deadline: float, plan: Plan, state: TrainingState) -> None:
    """Reduce the total steps to those that fit before the deadline; at least one more.

    They rise again, up to the planned number, if the machine becomes faster.
    """
    done = plan.operations(state.step)
    affordable = done + (deadline - time.monotonic()) * done / max(state.seconds, 1e-9)
    steps = bisect_right(range(plan.total_steps + 1), affordable, key=plan.operations) - 1
    total = steps if steps > state.step else min(state.total_steps, state.step + 1)
    state.total_steps = plan.processes.broadcast_from_main(lambda: total)
