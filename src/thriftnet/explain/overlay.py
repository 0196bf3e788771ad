"""A class-activation map over its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FOR, _AGAINST = (213, 94, 0), (0, 114, 178)
"""Vermillion and blue, which all can tell apart."""
_STRONGEST = 0.7
"""Share of the colour where the map is largest."""


def overlay(picture: NDArray[np.uint8], activation: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture in grey; what speaks for the class in vermillion, what against it in blue.

    Args:
        picture: (S, S, 3).
        activation: (h, w) as `class_activation` gives it, enlarged linearly.

    Returns:
        (S, S, 3) uint8.
    """
    height, width = picture.shape[:2]
    largest = float(np.abs(activation).max())
    scaled = activation / largest if largest > 0 else np.zeros_like(activation)
    small = Image.fromarray(scaled.astype(np.float32))
    share = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))[..., None]
    grey = np.asarray(Image.fromarray(picture).convert("L"), np.float32)[..., None]
    colour = np.where(share > 0, np.array(_FOR, np.float32), np.array(_AGAINST, np.float32))
    alpha = _STRONGEST * np.abs(share)
    return ((1 - alpha) * grey + alpha * colour).round().clip(0, 255).astype(np.uint8)
