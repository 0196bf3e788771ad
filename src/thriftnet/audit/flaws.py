"""Finds blank, dark and blurred pictures by their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLANK = 4.0
"""Standard deviation in levels below which a picture is blank."""
DARK = 12.0
"""Upper limit of the 90th percentile of a dark picture's levels."""
BLURRED = 0.02
"""Share of the median edge energy below which a picture is blurred."""
_AT_ONCE = 2000


def find_flaws(images: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Positions of blank, dark and blurred pictures; one flaw per picture.

    Args:
        images: (N, H, W, 3) uint8; may be memory-mapped.
    """
    spread, level, edges = (np.empty(len(images)) for _ in range(3))
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        grey = images[part].mean(axis=3, dtype=np.float32)  # (n, H, W)
        spread[part] = images[part].std(axis=(1, 2), dtype=np.float32).max(axis=1)
        level[part] = np.quantile(grey, 0.9, axis=(1, 2))
        around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
        edges[part] = (4 * grey[:, 1:-1, 1:-1] - around).var(axis=(1, 2))
    blank = spread < BLANK
    dark = ~blank & (level < DARK)
    usual = np.median(edges[~blank]) if (~blank).any() else 0.0
    blurred = ~blank & ~dark & (edges < BLURRED * usual)
    return {
        name: np.flatnonzero(found)
        for name, found in (("blank", blank), ("dark", dark), ("blurred", blurred))
    }
