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
from thriftnet.runtime.resize import as_pixels

_AT_ONCE = 1000
"""A multiple of the engine's batch, as rounding depends on it."""


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
    linear = [name for name, each in network.named_modules() if isinstance(each, nn.Linear)]
    network.set_submodule(linear[-1], nn.Identity())
    engine = Engine(network, mean=model.mean, std=model.std, compute=compute)
    found: list[torch.Tensor] = []
    # Part by part: the images may be a memory map larger than the memory.
    for at in range(0, max(1, len(images)), _AT_ONCE):
        found.append(engine.logits(as_pixels(images[at : at + _AT_ONCE], model.image_size)))
        on_progress(min(at + _AT_ONCE, len(images)), len(images))
    return torch.cat(found).numpy()
