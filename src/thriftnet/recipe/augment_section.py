"""The section of a recipe that says what the network sees of each training image."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from thriftnet.recipe.section import Section, Share

_ROBUST_KEYS = {"augmix_severity": "augmix", "noise_deviation": "noise", "jpeg_quality": "jpeg"}
"""Strengths, and the share that each belongs to."""


class AugmentSection(Section):
    """What the network sees of each training image, in the order applied."""

    flip: Literal["none", "random", "alternating"] = "random"
    """Horizontal flip: of a random half of the images, or of each every other time it is seen."""
    quarter_turns: bool = False
    """Whether each image is turned by a random multiple of 90 degrees."""
    crop_padding: Annotated[int, Field(ge=0, le=64)] = 4
    """Pixels of padding on each side before a crop back to the image's own size; 0 is no crop."""
    crop_mode: Literal["zero", "reflect"] = "zero"
    """What the crop pads with: black, or the image's own mirrored border."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Colour jitter: the factor is uniform in [1 - b, 1 + b]."""
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.0
    """As brightness, for the distance from the image's mean grey."""
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.0
    """As brightness, for the distance of each pixel from its grey."""
    policy: Literal["none", "autoaugment", "trivialaugment"] = "none"
    """A published policy: AutoAugment's for CIFAR-10, or TrivialAugment (wide)."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation, degrees to either side."""
    cutout: Annotated[int, Field(ge=0, le=128)] = 0
    """Side in pixels of the square that cutout erases; 0 is off."""
    mixup: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of the Beta distribution of the mixing weight; 0 is off."""
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of the Beta distribution of the pasted area; 0 is off."""
    augmix: Share = 0.0
    """Share of the images that are mixed with three copies changed by AugMix's operations; 0 is
    none. It, prime, noise and jpeg come before cutout."""
    augmix_severity: Annotated[int, Field(ge=1, le=10)] = 3
    """Strength of AugMix's operations."""
    prime: Share = 0.0
    """Share of the images that are mixed with three copies under random filters, colours and warps
    like PRIME's; 0 is none."""
    noise: Share = 0.0
    """Share of the images that get Gaussian noise; 0 is none."""
    noise_deviation: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest standard deviation of the noise, of levels in [0, 1]; each image draws its own."""
    jpeg: Share = 0.0
    """Share of the images that become JPEG copies; 0 is none."""
    jpeg_quality: Annotated[int, Field(ge=1, le=95)] = 40
    """Lowest quality of the copies; the highest is 95."""

    @property
    def corrupts(self) -> bool:
        """Whether a share of the images is changed as corrupted images are."""
        return max(self.augmix, self.prime, self.noise, self.jpeg) > 0

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        for key, user in _ROBUST_KEYS.items():
            default = type(self).model_fields[key].default
            if getattr(self, user) == 0 and getattr(self, key) != default:
                raise ValueError(
                    f"augment.{key} does nothing with augment.{user}=0; set augment.{key} back to "
                    f"{default}"
                )
        return self
