"""Class-activation maps: which parts of a picture a prediction depends on."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.models.saved import SavedModel
from thriftnet.models.stages import network_stages
from thriftnet.runtime.resize import as_pixels

_one_at_a_time = threading.Lock()
"""A forward hook acts on every thread that uses the network."""


def class_activation(
    model: SavedModel, pixels: NDArray[np.uint8], index: int
) -> NDArray[np.float32]:
    """How much each position of the last feature map contributes to the logit of a class.

    With mean pooling and a linear head this is the map of Zhou et al. (arXiv 1512.04150). With max
    pooling, each channel contributes at the position of its maximum. Both are the features times
    the gradient of the logit: pooling and head are linear in the features they use. The mean of all
    logits is subtracted from the logit, which leaves the softmax as it is, so that a position
    counts only if it favours this class over the others.

    Args:
        model: Its network runs as saved, in fp32, without test-time augmentation.
        pixels: (S, S, 3) uint8 of the network's size.
        index: Index of the class.

    Returns:
        (h, w) float32. Its sum is the logit minus the mean of all logits, without the biases of the
        head.
    """
    found: list[Tensor] = []

    def split(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        found.append(output.detach().requires_grad_())
        return found[0]

    images = normalise(as_pixels(pixels[None], model.image_size), mean=model.mean, std=model.std)
    *_, last = network_stages(model.network).values()
    with _one_at_a_time, torch.enable_grad():
        handle = last.register_forward_hook(split)
        try:
            logits = model.network(images)[0]
        finally:
            handle.remove()
        (gradient,) = torch.autograd.grad(logits[index] - logits.mean(), found[0])
    return (gradient * found[0].detach()).sum(dim=1)[0].float().numpy()
