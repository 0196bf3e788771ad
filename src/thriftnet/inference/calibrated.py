"""Logits under a network's calibration, in operations that every exporter has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

_LEAST = 1e-7
"""Of the others' share beside the largest; what float32 tells apart from none."""


def calibrated(
    logits: Tensor, temperature: float, shifts: Sequence[tuple[float, float]] = ()
) -> Tensor:
    """Logits whose softmax says how often the network is right.

    Args:
        logits: (N, classes) as the network gives them, averaged over its views.
        temperature: Divides them.
        shifts: What is added to the largest one after that: (log-odds of its probability, amount),
            linear between these and constant beyond them.

    Returns:
        (N, classes). The largest logit stays the largest.
    """
    scaled = logits / temperature
    if not shifts or logits.shape[1] < 2:
        return scaled
    top = scaled.amax(dim=1, keepdim=True)
    is_top = scaled == top
    second = torch.where(is_top, -torch.inf, scaled).amax(dim=1, keepdim=True)
    shift = interpolated(log_odds(scaled, top), shifts)
    shift = torch.maximum(shift, (second - top) / 2)  # never down to the second class
    moved = top + shift
    moved = torch.where(moved > second, moved, top)  # two that differ in the last bit alone
    return torch.where(is_top, moved, scaled)


def log_odds(logits: Tensor, top: Tensor) -> Tensor:
    """(N, 1) log-odds of the largest probability against all others."""
    others = (logits - top).exp().sum(dim=1, keepdim=True) - 1
    return -others.clamp(min=_LEAST).log()


def interpolated(at: Tensor, knots: Sequence[tuple[float, float]]) -> Tensor:
    """A function that is linear between knots and constant beyond them."""
    found = torch.full_like(at, knots[0][1])
    for (start, low), (end, high) in pairwise(knots):
        found = found + (high - low) / (end - start) * (at.clamp(start, end) - start)
    return found
