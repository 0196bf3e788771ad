"""Chooses how pictures are made square, by their aspect ratios."""

from __future__ import annotations

import io
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.decode import upright_size
from thriftnet.data.index import Index
from thriftnet.data.options import Fit
from thriftnet.runtime.silence import silent_pillow

_SAMPLE = 1_000
"""Number of pictures whose headers are read."""
_MOST = 0.9
"""Share of the pictures that must agree."""
_LONGEST_CROPPED = 1.5
"""Aspect ratio up to which cropping loses at most a third of a picture."""
_ALIKE = 1.1
"""Largest ratio of two aspect ratios that count as equal."""


def choose_fit(sizes: NDArray[np.integer]) -> tuple[Fit, str]:
    """Choose how pictures of these sizes are made square, with the reason.

    Args:
        sizes: (N, 2) width and height in pixels, N at least 1.
    """
    wide = sizes[:, 0] / sizes[:, 1]
    longer = np.maximum(wide, 1 / wide)
    share = float(np.mean(longer <= _LONGEST_CROPPED))
    if np.all(wide == 1):
        return "crop", "all pictures are square"
    if share >= _MOST:
        return (
            "crop",
            f"{share:.0%} of the pictures have an aspect ratio of at most {_LONGEST_CROPPED:g}",
        )
    middle = float(np.median(wide))
    alike = float(np.mean(np.maximum(wide / middle, middle / wide) <= _ALIKE))
    if alike >= _MOST:
        return "squash", f"{alike:.0%} of the pictures have about the same shape, {middle:.2f} to 1"
    return "pad", f"{1 - share:.0%} of the pictures have an aspect ratio over {_LONGEST_CROPPED:g}"


def sample_sizes(index: Index) -> NDArray[np.integer]:
    """Upright widths and heights, (N, 2), of a deterministic sample, from the pictures' headers."""
    if index.sizes is not None:
        return index.sizes
    step = max(1, len(index.entries) // _SAMPLE)
    found: list[tuple[int, int]] = []
    entries = index.entries[::step] if index.read is None else index.entries[:_SAMPLE]
    with silent_pillow():
        # Not to the end of the generator: it would read the rest of a file of many pictures.
        for raw in islice(index.pictures(entries), len(entries)):
            if isinstance(raw, np.ndarray):
                found.append((raw.shape[1], raw.shape[0]))
                continue
            try:
                with Image.open(io.BytesIO(raw) if isinstance(raw, bytes) else raw) as picture:
                    found.append(upright_size(picture))
            except Exception:  # damaged: reported on decoding
                continue
    return np.array(found or [(1, 1)], np.int32)
