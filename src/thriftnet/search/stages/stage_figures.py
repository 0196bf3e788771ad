"""Measures a trial's stages: cost, dead channels, effective rank, linear probe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from thriftnet.models.describe import layer_table
from thriftnet.models.stages import costs_of_stages, network_stages
from thriftnet.search.stages.capacity import StageFigures
from thriftnet.search.stages.features import (
    StageFeatures,
    dead_channels,
    effective_rank,
    probe_accuracy,
    rank_half_width,
    stage_features,
)
from thriftnet.training.rng import generator
from thriftnet.training.setup import Plan


def measure_stages(
    network: nn.Module, plan: Plan, *, images: int
) -> tuple[float, list[StageFigures]]:
    """Measure a network's stages on validation images, with a probe fitted on training images.

    Args:
        network: On the plan's device.
        plan: Has the images.
        images: Maximum number of training images (random, by the seed) and of validation images
            (the first ones).

    Returns:
        The stem's probe accuracy, and the measurements of each stage.
    """
    parts = network_stages(network)
    fitted = torch.randperm(len(plan.images), generator=generator(plan.seed, "probe", 0))[:images]

    def read(source: Tensor) -> dict[str, StageFeatures]:
        return stage_features(
            network, parts, source, mean=plan.mean, std=plan.std, compute=plan.compute
        )

    known = read(plan.images[fitted.to(plan.images.device)])
    unseen = read(plan.val_images[:images])
    labels, others = plan.labels.cpu()[fitted], plan.val_labels.cpu()[:images]
    layers = {layer.name: (layer.parameters, layer.macs) for layer in layer_table(network)}
    costs = costs_of_stages(parts, network, layers)
    found: list[StageFigures] = []
    base = 0.0
    for name, features in unseen.items():
        probe = probe_accuracy(
            known[name].pooled, labels, features.pooled, others, classes=len(plan.classes)
        )
        if name == "stem":
            base = probe
            continue
        parameters, macs = costs[name]
        found.append(
            StageFigures(
                name=name,
                channels=features.pooled.shape[1],
                parameters=parameters,
                macs=macs,
                dead=dead_channels(features.deviation),
                effective_rank=effective_rank(features.pooled),
                probe_accuracy=probe,
                rank_half_width=rank_half_width(features.pooled),
            )
        )
    return base, found
