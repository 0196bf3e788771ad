"""Where in a picture a network found its answer: a class-activation map."""

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
"""A hook on a network is seen by every thread that uses it."""


def class_activation(
    model: SavedModel, pixels: NDArray[np.uint8], index: int
) -> NDArray[np.float32]:
    """How much each place of the last feature map adds to the logit of a class.

    After a mean and a linear head this is the map of Zhou et al. (arXiv 1512.04150). After a
    maximum, each channel counts where it is largest, the only place that the head sees. Both are
    the features times the gradient of the logit with respect to them: pooling and head are linear
    in every feature that they use. The logit is taken less the mean of all logits, which softmax
    does not see, so that a place counts that speaks for this class and not for all of them.

    Args:
        model: Its network as saved, in fp32; the picture alone is used and none of its views.
        pixels: (S, S, 3) uint8 of the network's size.
        index: Of the class.

    Returns:
        (h, w) float32, from the top left. The sum is that logit less the mean of all, but for the
        biases of the head.
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
