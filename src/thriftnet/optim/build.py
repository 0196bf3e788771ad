"""Optimisers and parameter groups from plain settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from thriftnet.optim.muon import Muon

Group = dict[str, Any]


def build_optimisers(
    model: nn.Module,
    *,
    name: str,
    lr: float,
    weight_decay: float = 0.0,
    decay: str = "all",
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    momentum: float = 0.9,
    dampening: float = 0.0,
    nesterov: bool = False,
    bias_lr: float | None = None,
    head_lr: float | None = None,
    aux: str = "adamw",
    aux_momentum: float = 0.85,
) -> list[Optimizer]:
    """The optimisers of a model's trainable parameters; every group keeps its peak as `peak_lr`.

    `adamw` and `sgd` give one optimiser. `muon` gives two: Muon on convolutions, and on the rest
    AdamW or, with `aux="sgd"`, SGD with Nesterov momentum, with `bias_lr` for norms and biases and
    `head_lr` for linear weights. That SGD's decay is L2 in the gradient, divided by each group's
    peak: without momentum a step at the peak would take the share `weight_decay` off both groups,
    and with momentum m it settles at `weight_decay / (1 - m)`.
    """
    if name == "muon":
        assert bias_lr is not None
        assert head_lr is not None
        filters = [p for p in _trainable(model) if p.ndim == 4]
        small = [p for p in _trainable(model) if p.ndim < 2]
        heads = [p for p in _trainable(model) if p.ndim == 2]
        groups: list[Group] = [
            {"params": small, "lr": bias_lr, "weight_decay": _share(decay, weight_decay)},
            {"params": heads, "lr": head_lr, "weight_decay": weight_decay},
        ]
        optimisers: list[Optimizer] = [Muon(filters, lr=lr, momentum=momentum)]
        if aux == "adamw":
            optimisers.append(AdamW(groups, betas=betas, eps=eps))
        else:
            for group in groups:  # SGD multiplies its L2 term by the learning rate
                group["weight_decay"] /= group["lr"]
            optimisers.append(SGD(groups, momentum=aux_momentum, nesterov=aux_momentum > 0))
    elif name == "adamw":
        groups = _decay_groups(model, weight_decay, decay)
        optimisers = [AdamW(groups, lr=lr, betas=betas, eps=eps)]
    else:
        groups = _decay_groups(model, weight_decay, decay)
        optimisers = [SGD(groups, lr=lr, momentum=momentum, dampening=dampening, nesterov=nesterov)]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak_lr"] = group["lr"]
    return optimisers


def set_learning_rate(optimisers: Iterable[Optimizer], factor: float) -> None:
    """Give every group `factor` times its peak."""
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
