"""Training dynamics of a trial: slope of the loss, accuracy gap, and update norms per stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from thriftnet.runs.metrics_log import MetricRecord, has_figures
from thriftnet.training.loop import train_step
from thriftnet.training.rng import generator
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState

LAST_EPOCHS = 3
"""Epochs for the slope of the loss."""


def epoch_lines(lines: Sequence[MetricRecord]) -> list[MetricRecord]:
    """The lines of epochs that have all figures; others are damaged."""
    names = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    return [line for line in lines if line.get("kind") == "epoch" and has_figures(line, names)]


def curve_facts(epochs: Sequence[MetricRecord]) -> dict[str, float | None]:
    """Slope of the training loss per epoch over the last epochs, and the accuracy gap.

    Training accuracy is measured during the epoch, on augmented images.

    Args:
        epochs: As `epoch_lines` gives them; not empty.
    """
    last, losses = epochs[-1], [line["train_loss"] for line in epochs[-LAST_EPOCHS:]]
    return {
        "train_loss": last["train_loss"],
        "val_loss": last["val_loss"],
        "train_accuracy": last["train_accuracy"],
        "val_accuracy": last["val_accuracy"],
        "loss_slope": slope(losses),
        "gap": last["train_accuracy"] - last["val_accuracy"],
    }


def slope(values: Sequence[float]) -> float | None:
    """Slope of the least-squares line; None for fewer than two values."""
    if len(values) < 2:
        return None
    middle = (len(values) - 1) / 2
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * value for at, value in enumerate(values)) / spread


def step_norms(
    plan: Plan, state: TrainingState, stages: Mapping[str, nn.Module], *, steps: int
) -> dict[str, dict[str, float]]:
    """Gradient and update norms of each stage in some training steps from a checkpoint.

    The schedule is set to its middle, as at its end the learning rate is near 0.

    Args:
        plan: Plan of the trial.
        state: Its checkpoint; must not be used afterwards.
        stages: Parts of `state.model` by name.
        steps: Number of steps.

    Returns:
        Per stage, means over the steps of `gradient_norm`, and of `relative_update`: the norm of
        the update divided by the norm of the weights.
    """
    parameters = {
        name: [p for p in part.parameters() if p.requires_grad] for name, part in stages.items()
    }
    sums = {name: {"gradient_norm": 0.0, "relative_update": 0.0} for name in stages}

    def before_step(*_: Any) -> None:
        for name, own in parameters.items():
            grads = [p.grad for p in own if p.grad is not None]
            gradients.setdefault(name, _norm(grads))

    state.step = min(state.step, state.total_steps // 2)
    epoch, _ = plan.epochs.locate(state.step)
    order = torch.randperm(len(plan.images), generator=generator(plan.seed, "analysis", epoch))
    handle = state.optimisers[0].register_step_pre_hook(before_step)
    try:
        for _ in range(steps):
            gradients: dict[str, float] = {}
            at = torch.arange(plan.batch_size) + (state.step % 997) * plan.batch_size
            old = {name: [p.detach().clone() for p in own] for name, own in parameters.items()}
            train_step(plan, state, order[at % len(order)], epoch=epoch)
            for name, own in parameters.items():
                moved = [p.detach() - q for p, q in zip(own, old[name], strict=True)]
                weight = _norm(old[name])
                sums[name]["gradient_norm"] += gradients[name] / steps
                sums[name]["relative_update"] += _norm(moved) / weight / steps if weight else 0.0
    finally:
        handle.remove()
    return sums


def _norm(tensors: Sequence[Tensor]) -> float:
    """The Euclidean norm over several tensors."""
    return sum(t.double().square().sum().item() for t in tensors) ** 0.5
