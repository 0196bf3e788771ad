"""Corruptions of test images: one function each, and the table that names them.

The constants are those of CIFAR-10-C's own generator (Hendrycks and Dietterich 2019, arXiv
1903.12261), which are others than ImageNet-C's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.errors import RecipeError

SEVERITIES = 5
_BATCH = 1000
_SEED = 0
"""Of the draws: a corruption of the same images is the same in every evaluation."""


def _gaussian_noise(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    deviation = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    return images + deviation * torch.randn(images.shape, generator=generator)


def _contrast(images: Tensor, severity: int, _generator: torch.Generator) -> Tensor:
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    mean = images.mean(dim=(1, 2), keepdim=True)
    return (images - mean) * factor + mean


CORRUPTIONS: dict[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    "gaussian_noise": _gaussian_noise,
    "contrast": _contrast,
}
"""Each takes (N, H, W, 3) floats in [0, 1], a severity from 1 to 5 and a generator to the same
shape; what leaves [0, 1] is clipped."""


def check_corruption(text: str) -> tuple[str, int]:
    """The name and severity of `contrast:3`.

    Raises:
        RecipeError: The corruption or its severity is unknown.
    """
    name, _, severity = text.partition(":")
    if name not in CORRUPTIONS or severity not in map(str, range(1, SEVERITIES + 1)):
        raise RecipeError(
            f"--corruption {text} is not NAME:SEVERITY; use one of {', '.join(CORRUPTIONS)} "
            f"with a severity from 1 to {SEVERITIES}, such as contrast:3"
        )
    return name, int(severity)


def corrupt(images: NDArray[np.uint8], corruption: str) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8 images under a corruption such as `contrast:3`.

    Raises:
        RecipeError: The corruption or its severity is unknown.
    """
    name, severity = check_corruption(corruption)
    generator = torch.Generator().manual_seed(_SEED)
    parts = [
        CORRUPTIONS[name](torch.from_numpy(np.array(part)) / 255, severity, generator)
        for part in np.split(images, range(_BATCH, len(images), _BATCH))
    ]
    return torch.cat(parts).clamp_(0, 1).mul_(255).to(torch.uint8).numpy()  # truncated, as there
