"""Checks the values of a checkpoint, which a received run may hold of any kind.

Its digest says that it is whole, and torch that its weights fit; the rest is counted with and
indexed by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.optim import Optimizer

from thriftnet.runs.metrics_log import is_figure

_MOST_STEPS = 10**12
_CURVE = {"step": int, "loss": float, "gradient_norm": (float, type(None))}
"""Lists of a `StepCurve`, and what is in them."""


def check_counters(saved: Mapping[str, Any], *, images: int) -> None:
    """Check the counters and the order of a checkpoint.

    Args:
        saved: The checkpoint.
        images: Number of training images.

    Raises:
        ValueError: One cannot be what a training wrote; the message names it.
    """
    for name in ("step", "total_steps", "best_epoch"):
        if not isinstance(saved[name], int) or not 0 <= saved[name] <= _MOST_STEPS:
            raise ValueError(name)
    totals, curve = saved["totals"], saved.get("curve", {})
    for name, value in (("seconds", saved["seconds"]), ("images", totals.get("images", 0))):
        if not is_figure(value) or value < 0:
            raise ValueError(name)
    figures = [saved["best_accuracy"], *totals.values()]
    figures += [curve.get(name, 0) for name in ("loss_sum", "images")]
    if saved["step"] > saved["total_steps"] or not all(
        isinstance(each, int | float) for each in figures
    ):
        raise ValueError("step")
    for name, kind in _CURVE.items():
        if not all(isinstance(each, kind) for each in curve.get(name, ())):
            raise ValueError(name)
    for name in ("losses", "seen"):  # earlier versions did not write the second
        kept = saved.get(name) if name == "seen" else saved[name]
        if kept is not None and (not isinstance(kept, torch.Tensor) or kept.shape != (images,)):
            raise ValueError(name)
    order = saved["order"]
    if order is not None:
        if order.dtype != torch.int64 or order.ndim != 1 or not len(order):
            raise ValueError("order")
        if not 0 <= int(order.min()) <= int(order.max()) < images:
            raise ValueError("order")


def check_optimisers(optimisers: Iterable[Optimizer]) -> None:
    """Check that what optimisers keep of each weight has its shape.

    Raises:
        ValueError: It has not.
    """
    for optimiser in optimisers:
        for weight, kept in optimiser.state.items():
            for name, value in kept.items():
                if isinstance(value, torch.Tensor) and value.ndim and value.shape != weight.shape:
                    raise ValueError(f"{name} of an optimiser")
