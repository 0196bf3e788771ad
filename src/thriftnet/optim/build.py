"""Builds optimisers and their parameter groups from plain settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from thriftnet.optim.eager import SGD, AdamW
from thriftnet.optim.muon import Muon

Group = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """Settings of all optimisers, as documented in `recipe.OptimSection`; each uses some."""

    lr: float
    weight_decay: float = 0.0
    decay: str = "all"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    momentum: float = 0.9
    dampening: float = 0.0
    nesterov: bool = False
    bias_lr: float | None = None
    head_lr: float | None = None
    aux: str = "adamw"
    aux_momentum: float = 0.85


def build_optimisers(
    model: nn.Module, *, name: str, body_lr: float = 1.0, **settings: Any
) -> list[Optimizer]:
    """The optimisers of a model's trainable parameters; every group stores its `peak_lr`.

    Args:
        model: The network.
        name: A key of `OPTIMISERS`.
        body_lr: Factor on the learning rates of all parameters except `model.head`.
        settings: Fields of `Settings`.
    """
    optimisers = OPTIMISERS[name](model, Settings(**settings))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak_lr"] = group["lr"]
    if body_lr != 1:
        head = {id(parameter) for parameter in model.get_submodule("head").parameters()}
        for optimiser in optimisers:
            optimiser.param_groups = [
                part
                for group in optimiser.param_groups
                for part in _slowed_body(group, head, body_lr)
            ]
    return optimisers


def _slowed_body(group: Group, head: set[int], factor: float) -> list[Group]:
    """Split a group: the head's parameters, by `id`, and the others with a lower rate."""
    peak = group["peak_lr"] * factor
    body = [p for p in group["params"] if id(p) not in head]
    top = [p for p in group["params"] if id(p) in head]
    parts = [{**group, "params": top}, {**group, "params": body, "lr": peak, "peak_lr": peak}]
    return [part for part in parts if part["params"]]


def _adamw(model: nn.Module, s: Settings) -> list[Optimizer]:
    groups = _decay_groups(model, s.weight_decay, s.decay)
    return [AdamW(groups, lr=s.lr, betas=s.betas, eps=s.eps)]


def _sgd(model: nn.Module, s: Settings) -> list[Optimizer]:
    groups = _decay_groups(model, s.weight_decay, s.decay)
    sgd = SGD(groups, lr=s.lr, momentum=s.momentum, dampening=s.dampening, nesterov=s.nesterov)
    return [sgd]


def _muon(model: nn.Module, s: Settings) -> list[Optimizer]:
    """Muon for convolutions, and AdamW or SGD with Nesterov momentum (`aux`) for the rest.

    `bias_lr` applies to norms and biases, `head_lr` to linear weights. SGD's weight decay is L2 in
    the gradient, divided by the group's peak rate: a step at the peak shrinks weights by
    `weight_decay` without momentum, and by `weight_decay / (1 - m)` with momentum m.
    """
    filters = [p for p in _trainable(model) if p.ndim == 4]
    small = [p for p in _trainable(model) if p.ndim < 2]
    heads = [p for p in _trainable(model) if p.ndim == 2]
    groups: list[Group] = [
        {"params": small, "lr": s.bias_lr, "weight_decay": _share(s.decay, s.weight_decay)},
        {"params": heads, "lr": s.head_lr, "weight_decay": s.weight_decay},
    ]
    muon = Muon(filters, lr=s.lr, momentum=s.momentum)
    if s.aux == "adamw":
        return [muon, AdamW(groups, betas=s.betas, eps=s.eps)]
    for group in groups:  # SGD multiplies its L2 term by the learning rate
        group["weight_decay"] /= group["lr"]
    return [muon, SGD(groups, momentum=s.aux_momentum, nesterov=s.aux_momentum > 0)]


OPTIMISERS: dict[str, Callable[[nn.Module, Settings], list[Optimizer]]] = {
    "adamw": _adamw,
    "sgd": _sgd,
    "muon": _muon,
}
"""Builders by `optim.name` of the recipe."""


def set_learning_rate(optimisers: Iterable[Optimizer], factor: float) -> None:
    """Set every group's rate to `factor` times its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak_lr"] * factor


def _trainable(model: nn.Module) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _share(decay: str, weight_decay: float) -> float:
    return weight_decay if decay == "all" else 0.0


def _decay_groups(model: nn.Module, weight_decay: float, decay: str) -> list[Group]:
    """Weights of convolutions and linear layers, then norm scales and biases."""
    weights = [p for p in _trainable(model) if p.ndim >= 2]
    rest = [p for p in _trainable(model) if p.ndim < 2]
    groups: list[Group] = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": _share(decay, weight_decay)},
    ]
    return [group for group in groups if group["params"]]
