"""A class-activation map over its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_FOR, _AGAINST = (213, 94, 0), (0, 114, 178)
"""Vermillion and blue; in grey they differ by an outline and stripes instead."""
_LIGHT, _DARK = (255, 255, 255), (27, 27, 27)
"""The sides of the outline: one of them differs from any picture."""
_STRONGEST = 0.7
"""Share of the colour where the map is largest."""
_OUTLINED = 0.5
"""Share of the largest value from which a positive part has an outline."""
_STRIPE, _PERIOD = 3, 12
"""Width of a diagonal stripe along a row, and distance to the next, in pixels."""


def overlay(picture: NDArray[np.uint8], activation: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw the picture in grey, positive parts in outlined vermillion, negative in striped blue.

    Args:
        picture: (S, S, 3).
        activation: (h, w) as `class_activation` gives it, enlarged linearly.

    Returns:
        (S, S, 3) uint8.
    """
    share = _enlarge(activation, picture.shape[1], picture.shape[0])
    grey = np.asarray(Image.fromarray(picture).convert("L"), np.float32)[..., None]
    down, right = np.indices(share.shape)
    stripe = np.less((down + right) % _PERIOD, _STRIPE)
    positive, negative, light = (np.array(c, np.float32) for c in (_FOR, _AGAINST, _LIGHT))
    colour = np.where(stripe[..., None], light, negative)
    colour = np.where(share[..., None] > 0, positive, colour)
    alpha = _STRONGEST * np.abs(share)[..., None]
    shown = (1 - alpha) * grey + alpha * colour
    inside, outside = _outline(share >= _OUTLINED)
    shown[inside], shown[outside] = _LIGHT, _DARK
    return shown.round().clip(0, 255).astype(np.uint8)


def _enlarge(activation: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(height, width) shares of the largest absolute value."""
    largest = float(np.abs(activation).max())
    scaled = activation / largest if largest > 0 else np.zeros_like(activation)
    small = Image.fromarray(scaled.astype(np.float32))
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


def _outline(region: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The pixels just inside a region's edge, two wide, and just outside it, one wide."""
    image = Image.fromarray(region.astype(np.uint8))
    smaller = np.asarray(image.filter(ImageFilter.MinFilter(5)), bool)
    larger = np.asarray(image.filter(ImageFilter.MaxFilter(3)), bool)
    return region & ~smaller, larger & ~region
