"""Colours of a map over its picture."""

from __future__ import annotations

import numpy as np

from thriftnet.explain.overlay import overlay


def test_what_speaks_for_the_class_is_red_and_what_speaks_against_it_blue():
    picture = np.full((60, 60, 3), 128, np.uint8)
    activation = np.zeros((3, 3), np.float32)
    activation[0, 0], activation[2, 2] = 2.0, -1.0
    found = overlay(picture, activation).astype(int)
    strong, weak, against = found[5, 5], found[30, 30], found[55, 55]
    assert strong[0] > strong[2] + 100
    assert against[2] > against[0] + 40
    np.testing.assert_array_equal(weak, [128, 128, 128])
    half = np.abs(against - 128).sum() / np.abs(overlay(picture, -activation)[5, 5] - 128.0).sum()
    assert 0.4 < half < 0.6


def test_a_flat_map_leaves_the_picture_in_grey():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    found = overlay(picture, np.zeros((8, 8), np.float32))
    assert (found == found[..., :1]).all()
