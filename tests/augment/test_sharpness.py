import torch
from PIL import ImageEnhance

from thriftnet.augment.sharpness import adjust_sharpness


def test_equals_pillow_at_many_factors(images, assert_equals_pillow, generator):
    factors = torch.rand(len(images), generator=generator) * 3
    factors[:12:6], factors[1:13:6], factors[2:14:6] = 0, 1, 2
    assert_equals_pillow(
        adjust_sharpness(images, factors),
        images,
        lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor),
        factors,
    )
