"""Penultimate features of a network."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thriftnet.inference.engine import Engine, OnProgress, no_progress
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute


def features_of(
    model: SavedModel,
    images: NDArray[np.uint8],
    compute: Compute,
    *,
    on_progress: OnProgress = no_progress,
) -> NDArray[np.float32]:
    """(N, features) inputs of the last linear layer, up to a constant factor.

    Args:
        model: A network whose last layer is linear, as in all families.
        images: (N, H, W, 3) uint8.
        compute: Device and precision.
        on_progress: Called with the number of images done and the total.
    """
    network = copy.deepcopy(model.network).to(compute.device)
    linear = [(name, each) for name, each in network.named_modules() if isinstance(each, nn.Linear)]
    name, head = linear[-1]
    network.set_submodule(name, nn.Identity())
    engine = Engine(network, mean=model.mean, std=model.std, compute=compute)
    found = list(engine.by_parts(images, model.image_size, on_progress=on_progress))
    return torch.cat(found or [torch.empty(0, head.in_features)]).numpy()
