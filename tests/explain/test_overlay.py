"""A map over its picture, in colour and in grey."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from thriftnet.explain.overlay import overlay


def activation(*values: tuple[int, int, float]) -> NDArray[np.float32]:
    found = np.zeros((3, 3), np.float32)
    for row, column, value in values:
        found[row, column] = value
    return found


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(Image.fromarray(pixels).convert("L")).astype(int)


def test_positive_parts_are_vermillion_and_negative_ones_blue():
    picture = np.full((60, 60, 3), 128, np.uint8)
    found = overlay(picture, activation((0, 0, 2.0), (2, 2, -1.0))).astype(int)
    strong, weak, against = found[5, 5], found[30, 30], found[55, 50]  # between two stripes
    assert strong[0] > strong[2] + 100
    assert against[2] > against[0] + 40
    np.testing.assert_array_equal(weak, [128, 128, 128])
    full = overlay(picture, activation((2, 2, -2.0)))[55, 50]
    half = np.abs(against - 128).sum() / np.abs(full - 128.0).sum()
    assert 0.4 < half < 0.6


@pytest.mark.parametrize("shade", [0, 87, 119, 255])
def test_in_grey_positive_parts_have_an_outline_and_negative_ones_stripes(shade: int):
    """Also where the picture is as bright as the colours."""
    picture = np.full((120, 120, 3), shade, np.uint8)
    found = grey(overlay(picture, activation((0, 0, 1.0), (2, 2, -1.0))))
    positive, negative = found[10, :60], found[110, 96:]
    # Halfway between two values of the map, which are at 20 and 60.
    assert positive[38:41].tolist() == [255, 255, 27]
    assert np.ptp(positive[:20]) == 0  # no stripes
    turns = np.abs(np.diff(negative)) > 60
    assert turns.sum() == 4  # both sides of two stripes of 24 pixels


def test_a_flat_map_leaves_the_picture_in_grey():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    found = overlay(picture, np.zeros((8, 8), np.float32))
    assert (found == found[..., :1]).all()
