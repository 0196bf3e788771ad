"""The settings of all ingredients, what they draw, and their application in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from thriftnet.augment.robust.augmix import MOST_SEVERE, augmix, draw_augmix
from thriftnet.augment.robust.chains import Chains
from thriftnet.augment.robust.jpeg import BEST_QUALITY, JpegDraws, add_jpeg, draw_jpeg
from thriftnet.augment.robust.noise import NoiseDraws, add_noise, draw_noise
from thriftnet.augment.robust.prime import draw_prime, prime

Drawn = TypeVar("Drawn", Chains, NoiseDraws, JpegDraws)


class RobustDraws(NamedTuple):
    """What is drawn for a batch; none of what is switched off."""

    augmix: Chains | None
    prime: Chains | None
    noise: NoiseDraws | None
    jpeg: JpegDraws | None

    @classmethod
    def join(cls, parts: Sequence[RobustDraws]) -> RobustDraws:
        """Draws of several batches, as those of one that holds them in order."""
        return cls(
            augmix=_joined([part.augmix for part in parts]),
            prime=_joined([part.prime for part in parts]),
            noise=_joined([part.noise for part in parts]),
            jpeg=_joined([part.jpeg for part in parts]),
        )


@dataclass(frozen=True, kw_only=True)
class Robust:
    """Changes shares of a batch by AugMix, primitives, noise and JPEG, in that order.

    Every image draws for itself which of them it undergoes: several, or none.

    Raises:
        ValueError: a setting is out of range.
    """

    augmix: float = 0.0
    """Share of the images that are mixed with copies by AugMix's operations; 0: off."""
    augmix_severity: int = 3
    """1 to 10; 3 in the paper."""
    prime: float = 0.0
    """Share of the images that are mixed with copies by primitives like PRIME's; 0: off."""
    noise: float = 0.0
    """Share of the images that get Gaussian noise; 0: off."""
    noise_deviation: float = 0.1
    """Largest standard deviation, on the scale 0 to 1."""
    jpeg: float = 0.0
    """Share of the images that become JPEG copies; 0: off."""
    jpeg_quality: int = 40
    """Lowest quality, 1 to 95."""

    def __post_init__(self) -> None:
        bounds = {"augmix_severity": (1, MOST_SEVERE), "jpeg_quality": (1, BEST_QUALITY)}
        shares = ("augmix", "prime", "noise", "jpeg", "noise_deviation")
        for name, (low, high) in {**dict.fromkeys(shares, (0, 1)), **bounds}.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"{name} must be {low} to {high}, not {value}")

    @property
    def active(self) -> bool:
        """Whether any image is changed."""
        return max(self.augmix, self.prime, self.noise, self.jpeg) > 0

    def draw(
        self, count: int, *, height: int, width: int, generator: torch.Generator
    ) -> RobustDraws:
        """Draw for `count` images of `height` × `width` pixels, whatever they show."""
        mixed = primitives = noise = copies = None
        if self.augmix:
            mixed = draw_augmix(
                count,
                share=self.augmix,
                severity=self.augmix_severity,
                height=height,
                width=width,
                generator=generator,
            )
        if self.prime:
            primitives = draw_prime(count, share=self.prime, generator=generator)
        if self.noise:
            noise = draw_noise(
                count, share=self.noise, deviation=self.noise_deviation, generator=generator
            )
        if self.jpeg:
            copies = draw_jpeg(
                count, share=self.jpeg, quality=self.jpeg_quality, generator=generator
            )
        return RobustDraws(mixed, primitives, noise, copies)

    def apply(self, images: Tensor, draws: RobustDraws) -> Tensor:
        """Change `(N, 3, H, W)` uint8 images by what was drawn for them; channels-last."""
        if draws.augmix is not None:
            images = augmix(images, draws.augmix)
        if draws.prime is not None:
            images = prime(images, draws.prime)
        if draws.noise is not None:
            images = add_noise(images, draws.noise)
        if draws.jpeg is not None:
            images = add_jpeg(images, draws.jpeg)
        return images


def _joined(parts: Sequence[Drawn | None]) -> Drawn | None:
    given = [part for part in parts if part is not None]
    if not given:
        return None
    return type(given[0])(*map(torch.cat, zip(*given, strict=True)))
