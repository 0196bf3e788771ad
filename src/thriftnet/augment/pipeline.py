"""The augmentation pipeline of a training batch, from bytes to normalised floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from thriftnet.augment.affine import draw_angles, rotate
from thriftnet.augment.colour import draw_jitter, jitter
from thriftnet.augment.crop import CropMode, crop, draw_offsets
from thriftnet.augment.cutout import cutout_, draw_centres
from thriftnet.augment.flip import alternating_flips, draw_flips, flip
from thriftnet.augment.layout import check_images
from thriftnet.augment.normalise import normalise
from thriftnet.augment.operations import apply_operations
from thriftnet.augment.policy_draws import Choice, PolicyName, draw_policy
from thriftnet.augment.robust.ingredients import Robust, RobustDraws
from thriftnet.augment.turn import draw_turns, turn
from thriftnet.data.statistics import Triple

FlipMode = Literal["none", "random", "alternating"]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Random parameters of a batch; None for operations that are off."""

    flips: Tensor | None
    offsets: Tensor | None
    jitter: tuple[Tensor, Tensor] | None
    """Order and factors."""
    policy: list[Choice]
    angles: Tensor | None
    centres: tuple[Tensor, Tensor] | None
    """Rows and columns."""
    turns: Tensor | None = None
    robust: RobustDraws | None = None

    @classmethod
    def join(cls, parts: Sequence[Draws]) -> Draws:
        """Concatenate the draws of several batches of one `Augment`."""

        def whole(name: str) -> Tensor | None:
            found = [getattr(part, name) for part in parts]
            return None if found[0] is None else torch.cat(found)

        def pair(name: str) -> tuple[Tensor, Tensor] | None:
            found = [getattr(part, name) for part in parts]
            if found[0] is None:
                return None
            first, second = zip(*found, strict=True)
            return torch.cat(first), torch.cat(second)

        rounds = zip(*(part.policy for part in parts), strict=True)
        robust = [part.robust for part in parts if part.robust is not None]
        return cls(
            flips=whole("flips"),
            offsets=whole("offsets"),
            jitter=pair("jitter"),
            policy=[Choice(*map(torch.cat, zip(*round_, strict=True))) for round_ in rounds],
            angles=whole("angles"),
            centres=pair("centres"),
            turns=whole("turns"),
            robust=RobustDraws.join(robust) if robust else None,
        )


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Augments batches with parameters drawn per image. Stateless.

    Raises:
        ValueError: a setting is out of range.
    """

    mean: Triple
    """Channel means on the scale 0 to 1."""
    std: Triple
    """Channel standard deviations on the scale 0 to 1."""
    flip: FlipMode = "none"
    """Horizontal flips: with probability one half, or on every second visit of an image."""
    quarter_turns: bool = False
    """Rotation by a random multiple of 90 degrees; needs square images."""
    crop_padding: int = 0
    """Pixels added on each side before a random crop to the original size; 0: off."""
    crop_mode: CropMode = "reflect"
    """What the crop pads with."""
    brightness: float = 0.0
    """Jitter strength s: factors are uniform on max(0, 1-s) to 1+s; 0: off."""
    contrast: float = 0.0
    """Likewise."""
    saturation: float = 0.0
    """Likewise."""
    policy: Literal["none"] | PolicyName = "none"
    """A published policy, applied after the jitter."""
    rotation: float = 0.0
    """Largest angle of a random rotation, in degrees; 0: off."""
    cutout: int = 0
    """Side of the square set to the mean colour, in pixels; 0: off."""
    robust: Robust = field(default_factory=Robust)
    """Against corrupted images: after the rotation, before cutout."""
    seed: int = 0
    """Selects the half of the images that starts flipped with alternating flips."""

    def __post_init__(self) -> None:
        _check_choice("flip", self.flip, get_args(FlipMode))
        _check_choice("crop_mode", self.crop_mode, get_args(CropMode))
        _check_choice("policy", self.policy, ("none", *get_args(PolicyName)))
        for name in ("crop_padding", "cutout", "brightness", "contrast", "saturation"):
            _check_range(name, getattr(self, name), high=math.inf)
        _check_range("rotation", self.rotation, high=180)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3 or not all(math.isfinite(value) for value in values):
                raise ValueError(f"{name} must be three finite numbers, not {values}")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive in every channel, not {self.std}")

    def __call__(
        self, images: Tensor, *, indices: Tensor, visits: Tensor | int, generator: torch.Generator
    ) -> Tensor:
        """Augment and normalise a batch.

        Args:
            images: `(N, 3, H, W)` uint8, on any device; not modified.
            indices: `(N,)` int64 positions in the training set, for alternating flips.
            visits: `(N,)` int64, earlier visits of each, for alternating flips; a number applies to
                all.
            generator: a CPU generator, so that results do not depend on the device.

        Returns:
            `(N, 3, H, W)` float32, channels-last, on the device of `images`.

        Raises:
            ValueError: `images` has the wrong shape or dtype, or is too small for the padding.
        """
        check_images(images)
        count, _, height, width = images.shape
        draws = self.draw(count, height=height, width=width, generator=generator)
        return self.apply(images, draws, indices=indices, visits=visits)

    def draw(self, count: int, *, height: int, width: int, generator: torch.Generator) -> Draws:
        """Draw parameters for `count` images of `height` × `width` pixels."""
        flips = turns = offsets = jitters = angles = centres = None
        policy: list[Choice] = []
        if self.flip == "random":
            flips = draw_flips(count, generator=generator)
        if self.quarter_turns:
            turns = draw_turns(count, generator=generator)
        if self.crop_padding:
            offsets = draw_offsets(count, padding=self.crop_padding, generator=generator)
        if self.brightness or self.contrast or self.saturation:
            jitters = draw_jitter(
                count,
                brightness=self.brightness,
                contrast=self.contrast,
                saturation=self.saturation,
                generator=generator,
            )
        size = {"height": height, "width": width}
        if self.policy != "none":
            policy = draw_policy(self.policy, count, **size, generator=generator)
        if self.rotation:
            angles = draw_angles(count, degrees=self.rotation, generator=generator)
        if self.cutout:
            centres = draw_centres(count, **size, generator=generator)
        robust = (
            self.robust.draw(count, **size, generator=generator) if self.robust.active else None
        )
        return Draws(
            flips=flips,
            offsets=offsets,
            jitter=jitters,
            policy=policy,
            angles=angles,
            centres=centres,
            turns=turns,
            robust=robust,
        )

    def apply(
        self, images: Tensor, draws: Draws, *, indices: Tensor, visits: Tensor | int
    ) -> Tensor:
        """Augment and normalise a batch with given draws; other arguments as in a call."""
        placed = self._placed(images, draws, indices=indices, visits=visits)
        return self._finished(self._corrupted(placed, draws), draws)

    def views(
        self, images: Tensor, draws: Draws, *, indices: Tensor, visits: Tensor | int
    ) -> tuple[Tensor, Tensor]:
        """The batch without what `robust` does, and with it; each as `apply` returns it."""
        placed = self._placed(images, draws, indices=indices, visits=visits)
        corrupted = self._corrupted(placed, draws)
        return self._finished(placed, draws), self._finished(corrupted, draws)

    def _placed(
        self, images: Tensor, draws: Draws, *, indices: Tensor, visits: Tensor | int
    ) -> Tensor:
        """Apply all transforms before `robust`; uint8."""
        if self.flip == "alternating":
            images = flip(images, alternating_flips(indices, visits=visits, seed=self.seed))
        if draws.flips is not None:
            images = flip(images, draws.flips)
        if draws.turns is not None:
            images = turn(images, draws.turns)
        if draws.offsets is not None:
            images = crop(images, draws.offsets, padding=self.crop_padding, mode=self.crop_mode)
        if draws.jitter:
            images = jitter(images, *draws.jitter)
        for numbers, magnitudes in draws.policy:
            images = apply_operations(images, numbers, magnitudes)
        if draws.angles is not None:
            images = rotate(images, draws.angles)
        return images

    def _corrupted(self, images: Tensor, draws: Draws) -> Tensor:
        return images if draws.robust is None else self.robust.apply(images, draws.robust)

    def _finished(self, images: Tensor, draws: Draws) -> Tensor:
        normalised = normalise(images, mean=self.mean, std=self.std)
        if draws.centres:
            cutout_(normalised, *draws.centres, side=self.cutout)
        return normalised


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _check_range(name: str, value: float, *, high: float) -> None:
    if not (math.isfinite(value) and 0 <= value <= high):
        limit = f"0 to {high}" if math.isfinite(high) else "0 or more"
        raise ValueError(f"{name} must be {limit}, not {value}")
