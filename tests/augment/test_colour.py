from itertools import permutations

import pytest
import torch
from PIL import ImageEnhance

from thriftnet.augment.colour import (
    BRIGHTNESS,
    CONTRAST,
    SATURATION,
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    draw_jitter,
    jitter,
)

ENHANCERS = {
    BRIGHTNESS: ImageEnhance.Brightness,
    CONTRAST: ImageEnhance.Contrast,
    SATURATION: ImageEnhance.Color,
}
CASES = [
    (adjust_brightness, ImageEnhance.Brightness),
    (adjust_contrast, ImageEnhance.Contrast),
    (adjust_saturation, ImageEnhance.Color),
]


@pytest.mark.parametrize(("adjust", "enhancer"), CASES)
def test_equals_pillow_at_many_factors(images, assert_equals_pillow, generator, adjust, enhancer):
    factors = torch.rand(len(images), generator=generator) * 3
    factors[:12:6], factors[1:13:6], factors[2:14:6] = 0, 1, 2
    assert_equals_pillow(
        adjust(images, factors),
        images,
        lambda image, factor: enhancer(image).enhance(factor),
        factors,
    )


def test_mean_of_a_large_image_is_exact(make_images, assert_equals_pillow):
    # 640 × 480 bright pixels sum past 2²⁴, where single precision loses units.
    images = 255 - make_images(2, height=480, width=640) // 16
    images = images.contiguous(memory_format=torch.channels_last)
    factors = torch.tensor([0.0, 0.1])
    assert_equals_pillow(
        adjust_contrast(images, factors),
        images,
        lambda image, factor: ImageEnhance.Contrast(image).enhance(factor),
        factors,
    )


def test_jitter_equals_pillow_in_each_images_own_order(images, assert_equals_pillow, generator):
    order, factors = draw_jitter(
        len(images), brightness=0.8, contrast=0.8, saturation=0.8, generator=generator
    )
    assert len({tuple(row) for row in order.tolist()}) == 6
    number = iter(range(len(images)))

    def one_by_one(image):
        row = next(number)
        for kind in order[row].tolist():
            image = ENHANCERS[kind](image).enhance(factors[row, kind].item())
        return image

    assert_equals_pillow(jitter(images, order, factors), images, one_by_one)


def test_jitter_draws_uniform_factors_and_orders(generator):
    order, factors = draw_jitter(
        60_000, brightness=0.2, contrast=1.5, saturation=0, generator=generator
    )
    for kind, low, high in ((BRIGHTNESS, 0.8, 1.2), (CONTRAST, 0, 2.5), (SATURATION, 1, 1)):
        column = factors[:, kind]
        width = high - low
        assert low <= column.min() <= low + 1e-3 * width + 1e-6
        assert high - 1e-3 * width - 1e-6 <= column.max() <= high + 1e-6
        assert abs(column.mean().item() - (low + high) / 2) < 0.005 * width + 1e-6
    rows = [tuple(row) for row in order.tolist()]
    counts = torch.tensor([rows.count(each) for each in permutations(range(3))])
    assert counts.sum() == 60_000
    chi_square = ((counts - 10_000) ** 2 / 10_000).sum().item()
    assert chi_square < 20.5  # 99.9th percentile with 5 degrees of freedom
