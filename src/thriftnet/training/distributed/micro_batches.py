"""Refuses micro-batches that cannot be trained on: larger than the memory, or of one image.

With too little memory, the system would kill the process without a word. Nothing is made smaller
silently, as the micro-batch is part of what a recipe computes.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from thriftnet.errors import RecipeError, TooLargeError
from thriftnet.models.describe import layer_table
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.sections import TrainSection
from thriftnet.runtime.device import Compute
from thriftnet.runtime.threads import threads_each
from thriftnet.runtime.usage import memory_limit

_KEPT = {"fp32": 2.8, "bf16": 2.2}
"""Bytes that a training step takes per element of the outputs of convolutions, norms and linear
layers: a low estimate, since what fits must not be refused. With fused operations on a CPU `quick`
takes 2.9 in fp32, or 2.3 in bf16, and without them 7.1; `paper` takes 6.4 and 7.4 in fp32."""
_USABLE = 0.9
"""Share of the memory; the rest is for all else."""
_SMALL = 500 * 32**2
"""Pixels of a micro-batch that any machine holds, so that the many trainings of a search do not
measure their network once more."""
_SMALLER = (1000, 500, 250, 128, 64, 32, 16, 8, 4, 2)
"""Micro-batches to advise, ..."""
_SHARE = 0.25
"""... of which the first with no larger share of the memory is named. A large one."""


def check_memory(
    model: nn.Module, settings: TrainSection, epochs: Epochs, compute: Compute, *, side: int
) -> None:
    """Check that the micro-batches of a training fit the memory.

    Args:
        model: The network.
        settings: Of the recipe.
        epochs: Of the training.
        compute: Where it is trained.
        side: Height and width of the images, in pixels.

    Raises:
        TooLargeError: They do not.
    """
    batch = min(settings.batch_size, epochs.images)
    given = min(settings.micro_batch or batch, batch)
    memory = _memory(compute.device)
    if memory is None or given * side**2 <= _SMALL:
        return
    image = bytes_per_image(model, settings.views, compute.precision, side=side)
    if _needed(given, batch, image, compute) <= _USABLE * memory:
        return
    fitting = (
        size
        for size in _SMALLER
        if size < given
        and _needed(size, batch, image, compute) <= _SHARE * memory
        and not epochs.has_lone_image(size)
    )
    size = next(fitting, None)
    remedy = "train on smaller images, or a smaller network"
    raise TooLargeError(
        f"micro-batches of {given:,} images need about "
        f"{_needed(given, batch, image, compute) / 1e9:,.0f} GB of memory, of which "
        f"{memory / 1e9:,.0f} are available; "
        + (f"add --set train.micro_batch={size}" if size else remedy)
    )


def fits_at_once(
    model: nn.Module, settings: TrainSection, epochs: Epochs, compute: Compute, *, side: int
) -> bool:
    """Whether an accelerator can take several micro-batches of one view at once.

    They must not need a large share of its memory. Arguments as for `check_memory`.
    """
    memory = _memory(compute.device)
    batch = min(settings.batch_size, epochs.images)
    if settings.views > 1 or not 0 < settings.micro_batch < batch:
        return False
    image = bytes_per_image(model, settings.views, compute.precision, side=side)
    return memory is not None and image * batch <= _SHARE * memory


def check_lone_image(model: nn.Module, *, side: int, changes: Mapping[str, Any]) -> None:
    """Check that a network can be trained on a micro-batch of one image.

    Args:
        model: The network.
        side: Height and width of the image, in pixels.
        changes: Settings that leave no such micro-batch, by key of the section `train`.

    Raises:
        RecipeError: It cannot.
    """
    layers = layer_table(copy.deepcopy(model).to("meta"), image_size=side)  # shapes only
    if any(each.kind == "BatchNorm2d" and each.output_shape[1:] == (1, 1) for each in layers):
        options = [f"--set train.{key}={json.dumps(value)}" for key, value in changes.items()]
        remedy = " ".join(options) or "another --set train.batch_size"
        raise RecipeError(
            f"images of {side} pixels end at a grid of one pixel, and batch norm cannot "
            f"normalise the single image that a micro-batch of this recipe has; add {remedy}"
        )


def bytes_per_image(model: nn.Module, views: int, precision: str, *, side: int) -> float:
    """Bytes that a training step keeps of an image until the backward pass; a low estimate."""
    outputs = sum(math.prod(layer.output_shape) for layer in layer_table(model, image_size=side))
    return _KEPT[precision] * views * outputs


def _needed(size: int, batch: int, image: float, compute: Compute) -> float:
    """Bytes for micro-batches of a size; on a CPU, several are computed at once."""
    pieces = math.ceil(batch / size)
    at_once = torch.get_num_threads() // threads_each(pieces) if compute.prefers_small else 1
    return image * size * min(pieces, at_once)


def _memory(device: torch.device) -> int | None:
    """Bytes of a device's memory; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return memory_limit()
