import numpy as np
import torch
from PIL import ImageOps

from thriftnet.augment.tone import autocontrast, equalize, invert, posterize, solarize


def test_posterize_equals_pillow_for_every_number_of_bits(images, assert_equals_pillow):
    bits = torch.arange(len(images)) % 8 + 1
    assert_equals_pillow(posterize(images, bits), images, ImageOps.posterize, bits)


def test_solarize_equals_pillow_at_whole_and_fractional_thresholds(images, assert_equals_pillow):
    thresholds = torch.linspace(256, 0, len(images))
    thresholds[:3] = torch.tensor([0.0, 128.0, 255.0])
    assert_equals_pillow(solarize(images, thresholds), images, ImageOps.solarize, thresholds)


def test_invert_equals_pillow(images, assert_equals_pillow):
    assert_equals_pillow(
        invert(images).contiguous(memory_format=torch.channels_last), images, ImageOps.invert
    )


def test_autocontrast_equals_pillow(images, assert_equals_pillow):
    assert_equals_pillow(autocontrast(images), images, ImageOps.autocontrast)


def test_autocontrast_equals_pillow_for_every_span_of_levels(assert_equals_pillow):
    # One row of all levels from `low` to `high`: catches roundings that photographs seldom meet.
    rows = [
        np.linspace(low, high, 256).round().astype(np.uint8)
        for low in range(0, 250, 7)
        for high in range(low, 256, 5)
    ]
    batch = torch.from_numpy(np.stack(rows))[:, None, None].repeat(1, 3, 1, 1)
    images = batch.contiguous(memory_format=torch.channels_last)
    assert_equals_pillow(autocontrast(images), images, ImageOps.autocontrast)


def test_equalize_equals_pillow(images, assert_equals_pillow):
    assert_equals_pillow(equalize(images), images, ImageOps.equalize)


def test_equalize_equals_pillow_on_skewed_histograms(assert_equals_pillow):
    # Few distinct levels, the brightest rare: the step is large and the table runs past 255.
    rng = np.random.default_rng(0)
    batch = (rng.random((64, 32, 32, 3)) ** rng.uniform(1, 9, (64, 1, 1, 3)) * 256).astype(np.uint8)
    images = torch.from_numpy(batch).permute(0, 3, 1, 2)
    assert_equals_pillow(equalize(images), images, ImageOps.equalize)
