"""The page's own resizing, bit for bit Pillow's."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from support.browser import bytes_of, text_of
from thriftnet.data.options import Fit
from thriftnet.data.square import make_square

# A source of `resample` over an array, at 1 / scale as if a decoder had reduced it.
_SQUARE = """
([content, width, height, scale, size, fit]) => {
  const rgb = bytesOf(content);
  const [wide, high] = [width, height].map((edge) => Math.ceil(edge / scale));
  const cut = (left, top, across, down) => ({
    width: across,
    height: down,
    channels: 4,
    most: 11,
    rows: (from, count) => {
      const bytes = new Uint8ClampedArray(count * across * 4);
      for (let y = 0; y < count; y++) {
        for (let x = 0; x < across; x++) {
          const at = ((top + from + y) * wide + left + x) * 3;
          bytes.set(rgb.subarray(at, at + 3), (y * across + x) * 4);
        }
      }
      return bytes;
    },
  });
  const pixels = makeSquare({ width, height, scale, cut }, size, fit);
  return btoa(String.fromCharCode(...pixels));
}
"""
_SHAPES = [(32, 32), (33, 32), (1, 1), (7, 300), (257, 130), (64, 19), (131, 131), (700, 5)]


def noise(width: int, height: int) -> np.ndarray:
    """Black, white and all between: the filter overshoots at both ends."""
    rng = np.random.default_rng(width * 1000 + height)
    return np.clip(rng.normal(128, 160, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("size", [32, 48])
def test_same_bits_as_pillow(scripts: Page, size: int, fit: str):
    for width, height in _SHAPES:
        for scale in (1, 2, 8):
            if scale > 1 and min(width, height) < 64:
                continue  # what is reduced is larger than that
            reduced = noise(-(-width // scale), -(-height // scale))
            given = [text_of(reduced), width, height, scale, size, fit]
            ours = bytes_of(scripts.evaluate(_SQUARE, given), size, size, 3)
            theirs = make_square(
                Image.fromarray(reduced), width, height, scale=scale, size=size, fit=fit
            )
            assert np.array_equal(ours, np.asarray(theirs)), (width, height, scale)
