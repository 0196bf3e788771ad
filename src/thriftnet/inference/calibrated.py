"""Calibrated logits, computed with operations that every exporter supports."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

_LEAST = 1e-7
"""Lower bound of the summed odds of the other classes; float32 cannot resolve less."""


def calibrated(
    logits: Tensor, temperature: float, shifts: Sequence[tuple[float, float]] = ()
) -> Tensor:
    """Logits whose softmax gives calibrated probabilities.

    Args:
        logits: (N, classes) logits of the network, averaged over the views.
        temperature: Divides them.
        shifts: Knots (log-odds of the largest probability, amount added to the largest logit),
            interpolated linearly and constant outside.

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
    shift = torch.maximum(shift, (second - top) / 2)  # never below the second class
    moved = top + shift
    moved = torch.where(moved > second, moved, top)  # rounding: the two differ in the last bit only
    return torch.where(is_top, moved, scaled)


def log_odds(logits: Tensor, top: Tensor) -> Tensor:
    """(N, 1) log-odds of the largest probability."""
    others = (logits - top).exp().sum(dim=1, keepdim=True) - 1
    return -others.clamp(min=_LEAST).log()


def interpolated(at: Tensor, knots: Sequence[tuple[float, float]]) -> Tensor:
    """Piecewise linear interpolation between knots, constant outside."""
    found = torch.full_like(at, knots[0][1])
    for (start, low), (end, high) in pairwise(knots):
        found = found + (high - low) / (end - start) * (at.clamp(start, end) - start)
    return found
