"""Measures of a stage's features: dead channels, effective rank, a linear probe.

Notation in shape comments: N images, C channels of a stage, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.runtime.device import Compute

DEAD = 1e-3
"""A channel is dead if its standard deviation is below this share of the stage's mean."""
_GROUPS = 10
RIDGE = 0.01
"""Ridge penalty of the probe per image, for features of unit variance."""


@dataclass(frozen=True)
class StageFeatures:
    """Features of a stage for some images."""

    pooled: Tensor
    """(N, C) float64: mean of each channel over pixels."""
    deviation: Tensor
    """(C,) float64: standard deviation of each channel over images and pixels."""


@torch.no_grad()
def stage_features(
    network: nn.Module,
    stages: Mapping[str, nn.Module],
    images: Tensor,
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    compute: Compute,
    batch_size: int = 250,
) -> dict[str, StageFeatures]:
    """Run images through the network in evaluation mode and collect the output of each stage.

    Args:
        network: On `compute.device`; its mode is restored.
        stages: Parts of the network by name.
        images: (N, 3, H, W) uint8.
        mean: Channel means of the training images in [0, 1].
        std: Channel standard deviations of the training images in [0, 1].
        compute: Device; always runs in float32, as ranks need the precision.
        batch_size: Images per batch.
    """
    pooled: dict[str, list[Tensor]] = {name: [] for name in stages}
    moments: dict[str, list[Tensor]] = {name: [] for name in stages}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            values = output.double()  # (batch, C, H, W)
            pooled[name].append(values.mean(dim=(2, 3)).cpu())
            moments[name].append(values.square().mean(dim=(2, 3)).cpu())

        return hook

    handles = [part.register_forward_hook(keep(name)) for name, part in stages.items()]
    training = network.training
    network.eval()
    try:
        for start in range(0, len(images), batch_size):
            batch = normalise(
                images[start : start + batch_size].to(compute.device), mean=mean, std=std
            )
            network(batch.contiguous(memory_format=torch.channels_last))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    found: dict[str, StageFeatures] = {}
    for name in stages:
        means, squares = torch.cat(pooled[name]), torch.cat(moments[name])  # (N, C)
        variance = squares.mean(dim=0) - means.mean(dim=0).square()
        found[name] = StageFeatures(means, variance.clamp(min=0).sqrt())
    return found


def dead_channels(deviation: Tensor) -> int:
    """Number of channels constant over all images and pixels, from (C,) deviations."""
    # Rounding gives a constant channel a variance of about 1e-8 of its square.
    return int((deviation <= DEAD * deviation.mean()).sum())


def effective_rank(features: Tensor) -> float:
    """Effective rank of (N, C) features: exp of the entropy of normalised singular values.

    Singular values of the centred features, divided by their sum (Roy and Vetterli 2007, "The
    effective rank", definition 2). Constant features have rank 0.
    """
    values = torch.linalg.svdvals(features - features.mean(dim=0))
    if values[0] <= 1e-12 * max(1.0, features.abs().max().item()):
        return 0.0
    shares = values / values.sum()
    return torch.exp(torch.special.entr(shares).sum()).item()


def rank_half_width(features: Tensor) -> float:
    """Half of the 95% interval of the effective rank of (N, C) features, over images.

    By a jackknife that leaves out a tenth of the images at a time (Quenouille 1956).
    """
    groups = min(_GROUPS, len(features))
    group = torch.arange(len(features)) % groups
    ranks = torch.tensor(
        [effective_rank(features[group != left_out]) for left_out in range(groups)]
    )
    return 1.96 * ((groups - 1) * ranks.var(correction=0)).sqrt().item()


def probe_accuracy(
    features: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, *, classes: int
) -> float:
    """Accuracy of a linear classifier on a stage's features.

    Ridge regression onto one-hot labels in closed form, w = (X'X + a n I)^-1 X'Y with X the
    features at mean 0 and variance 1, a = `RIDGE` and n images.

    Args:
        features: (N, C) float64 to fit.
        labels: (N,) int64.
        others: (M, C) float64 to evaluate.
        other_labels: (M,) int64.
        classes: Number of classes.
    """
    centre, scale = features.mean(dim=0), features.std(dim=0, correction=0)
    scale = torch.where(scale > 1e-12, scale, torch.ones_like(scale))
    x, z = (features - centre) / scale, (others - centre) / scale
    wanted = F.one_hot(labels, classes).double()  # (N, K)
    offset = wanted.mean(dim=0)
    penalty = RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(x.T @ x + penalty, x.T @ (wanted - offset))  # (C, K)
    return ((z @ weights + offset).argmax(dim=1) == other_labels).double().mean().item()
