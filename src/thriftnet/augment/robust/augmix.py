"""AugMix (Hendrycks et al., arXiv 1912.02781): mixtures of an image with three changed copies.

A copy goes through one to three operations that are none of the test corruptions: contrast,
brightness, colour and sharpness are left out, as the paper does. Its images are turned and sheared
by the nearest pixel here, as those of the policies are, where the paper reads between pixels.
"""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from thriftnet.augment.operations import NUMBERS, apply_operations
from thriftnet.augment.robust.chains import WIDTH, Chains, draw_chains, mix_chains

_DEPTH = 3
MOST_SEVERE = 10
_LEAST = 0.1


class _Scale(NamedTuple):
    """The magnitude of an operation: `first` plus `slope` times the level."""

    slope: float
    first: float = 0.0
    whole: bool = True
    """Whether what is added is cut to a whole number."""
    signed: bool = True
    """Whether a fair coin turns it negative."""
    of_side: bool = False
    """Whether it is a share of the image's side."""


_SCALES = {
    "AutoContrast": _Scale(0, signed=False),
    "Equalize": _Scale(0, signed=False),
    "Posterize": _Scale(-0.4, first=4, signed=False),
    "Solarize": _Scale(-25.6, first=256, signed=False),
    "Rotate": _Scale(3),
    "ShearX": _Scale(0.03, whole=False),
    "ShearY": _Scale(0.03, whole=False),
    "TranslateX": _Scale(1 / 30, of_side=True),
    "TranslateY": _Scale(1 / 30, of_side=True),
}


def draw_augmix(
    count: int,
    *,
    share: float,
    severity: int,
    height: int,
    width: int,
    generator: torch.Generator,
) -> Chains:
    """Draw the chains of `count` images of `height` × `width` pixels.

    Args:
        count: images.
        share: of the images that are mixed.
        severity: levels are uniform on 0.1 to it; 1 to 10, 3 in the paper.
        height: rows of an image.
        width: columns of an image.
        generator: a CPU generator.
    """
    shape = (count, WIDTH, _DEPTH)
    which = torch.randint(len(_SCALES), shape, generator=generator)
    numbers = torch.tensor([NUMBERS[name] for name in _SCALES])[which]
    depth = torch.randint(1, _DEPTH + 1, (count, WIDTH, 1), generator=generator)
    numbers = torch.where(torch.arange(_DEPTH) < depth, numbers, NUMBERS["Identity"])
    level = torch.rand(shape, generator=generator, dtype=torch.float64)
    level = _LEAST + (severity - _LEAST) * level
    negative = torch.randint(2, shape, generator=generator).bool()
    slope, first, whole, signed = (column[which] for column in _columns(height, width))
    moved = level * slope
    moved = torch.where(whole.bool(), moved.trunc(), moved)
    moved = torch.where(signed.bool() & negative, -moved, moved)
    magnitudes = first + moved
    fewest = torch.where(numbers == NUMBERS["Posterize"], 1.0, -torch.inf)  # bits
    magnitudes = magnitudes.clamp(min=fewest)
    places = torch.zeros(shape, dtype=torch.int64)
    return draw_chains(numbers, magnitudes, places, share=share, generator=generator)


@functools.lru_cache(maxsize=8)
def _columns(height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Slope, first value, whether whole and whether signed, of each operation."""
    side = {name: width if name == "TranslateX" else height for name in _SCALES}
    rows = [
        (s.slope * (side[name] if s.of_side else 1), s.first, s.whole, s.signed)
        for name, s in _SCALES.items()
    ]
    slope, first, whole, signed = torch.tensor(rows, dtype=torch.float64).unbind(1)
    return slope, first, whole, signed


def augmix(images: Tensor, drawn: Chains) -> Tensor:
    """Mix the chosen images of `(N, 3, H, W)` uint8 with copies of themselves."""

    def step(copies: Tensor, numbers: Tensor, magnitudes: Tensor, _places: Tensor) -> Tensor:
        return apply_operations(copies, numbers, magnitudes)

    return mix_chains(images, drawn, step)
