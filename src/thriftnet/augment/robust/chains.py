"""Images mixed with changed copies of themselves, as AugMix and PRIME do.

A copy goes through a chain of operations. The mixture has a share of each copy, and a share of the
image itself that is drawn apart.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, per_image, to_nhwc
from thriftnet.augment.robust.some import change_some, draw_chosen

WIDTH = 3
"""Copies of an image, as both papers have."""

ApplyStep = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Applies to each image the operation of its number: `(M, 3, H, W)` uint8 images, `(M,)` numbers,
magnitudes and places to the same images, changed."""


class Chains(NamedTuple):
    """What is drawn for a batch of N images, W copies of each and D operations of each copy."""

    chosen: Tensor
    """`(N,)` bool."""
    numbers: Tensor
    """`(N, W, D)` int64."""
    magnitudes: Tensor
    """`(N, W, D)` float64."""
    places: Tensor
    """`(N, W, D)` int64, of `normals`."""
    weights: Tensor
    """`(N, 1 + W)` float32 with sum 1: of the image itself and of each copy."""


def draw_chains(
    numbers: Tensor,
    magnitudes: Tensor,
    places: Tensor,
    *,
    share: float,
    generator: torch.Generator,
) -> Chains:
    """Draw which images are mixed, and in what proportions; the operations are drawn already."""
    count, width, _ = numbers.shape
    # torch's distributions take no generator; NumPy's are seeded from ours.
    seed = int(torch.randint(2**63 - 1, (1,), generator=generator).item())
    shares = torch.from_numpy(np.random.default_rng(seed).dirichlet([1.0] * width, count)).float()
    changed = torch.rand(count, 1, generator=generator)  # Beta(1, 1)
    return Chains(
        draw_chosen(count, share=share, generator=generator),
        numbers,
        magnitudes,
        places,
        torch.cat([1 - changed, changed * shares.view(count, width)], dim=1),
    )


def mix_chains(images: Tensor, drawn: Chains, step: ApplyStep) -> Tensor:
    """Mix the chosen images of `(N, 3, H, W)` uint8 with their copies; levels are rounded."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        numbers, magnitudes, places = (
            each[at].flatten(0, 1) for each in (drawn.numbers, drawn.magnitudes, drawn.places)
        )
        pixels = to_nhwc(part)
        copies = from_nhwc(pixels.repeat_interleave(drawn.numbers.shape[1], dim=0))
        for place in range(numbers.shape[1]):
            copies = step(copies, numbers[:, place], magnitudes[:, place], places[:, place])
        weights = drawn.weights[at]
        mixed = pixels.float().mul_(per_image(weights[:, 0], part))
        each = to_nhwc(copies).view(len(part), -1, *pixels.shape[1:])
        for number in range(each.shape[1]):
            mixed += each[:, number] * per_image(weights[:, 1 + number], part)
        return from_nhwc(mixed.round_().clamp_(0, 255).to(torch.uint8))

    return change_some(images, drawn.chosen, change)
