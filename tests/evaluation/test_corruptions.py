"""Corruptions against plain NumPy."""

import numpy as np
import pytest

from thriftnet.errors import RecipeError
from thriftnet.evaluation.corruptions import CORRUPTIONS, SEVERITIES, check_corruption, corrupt

IMAGES = np.random.default_rng(0).integers(0, 256, (1500, 4, 5, 3), np.uint8)


def test_contrast_is_a_smaller_distance_from_the_mean_of_each_channel():
    scaled = IMAGES / 255.0
    mean = scaled.mean(axis=(1, 2), keepdims=True)
    expected = np.clip((scaled - mean) * 0.4 + mean, 0, 1) * 255
    found = corrupt(IMAGES, "contrast:3")
    assert found.dtype == np.uint8
    assert np.abs(found - np.floor(expected)).max() <= 1  # where rounding meets a whole number
    assert np.mean(found == np.floor(expected)) > 0.99


def test_noise_has_its_deviation_and_is_the_same_every_time():
    grey = np.full((1500, 8, 8, 3), 128, np.uint8)
    found = corrupt(grey, "gaussian_noise:2")
    assert found.std() / 255 == pytest.approx(0.06, rel=0.02)
    np.testing.assert_array_equal(found, corrupt(grey, "gaussian_noise:2"))
    assert not np.array_equal(found[:100], found[1000:1100])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_grows_with_its_severity(name: str):
    away = [
        np.abs(corrupt(IMAGES, f"{name}:{severity}").astype(float) - IMAGES).mean()
        for severity in range(1, SEVERITIES + 1)
    ]
    assert away == sorted(away)
    assert 0 < away[0] < away[-1]


@pytest.mark.parametrize("text", ["contrast", "contrast:0", "contrast:6", "contrast:x", "fog:3"])
def test_another_name_or_severity_is_refused(text: str):
    with pytest.raises(RecipeError, match=r"is not NAME:SEVERITY; use one of gaussian_noise, cont"):
        check_corruption(text)
