import pytest
import torch
from PIL import Image

from thriftnet.augment.affine import (
    draw_angles,
    rotate,
    shear_x,
    shear_y,
    translate_x,
    translate_y,
)

# No tolerance in any of these: the sampler computes in the fixed point that Pillow computes in.


def transform(image, *matrix):
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=0
    )


@pytest.mark.parametrize("degrees", [15, 180, 400])
def test_rotation_equals_pillow(images, assert_equals_pillow, generator, degrees):
    angles = draw_angles(len(images), degrees=degrees, generator=generator)
    angles[:9] = torch.tensor([0, 90, -90, 180, 270, 45, 30, 60, 1e-9])
    assert_equals_pillow(
        rotate(images, angles), images, lambda image, angle: image.rotate(angle), angles
    )


@pytest.mark.parametrize(
    ("shear", "matrix"),
    [(shear_x, lambda m: (1, m, 0, 0, 1, 0)), (shear_y, lambda m: (1, 0, 0, m, 1, 0))],
)
def test_shear_equals_pillow(images, assert_equals_pillow, generator, shear, matrix):
    factors = torch.rand(len(images), dtype=torch.float64, generator=generator) * 2 - 1
    factors[:6] = torch.tensor([0, 0.5, -0.5, 0.3, -0.99, 1])
    assert_equals_pillow(
        shear(images, factors),
        images,
        lambda image, factor: transform(image, *matrix(factor)),
        factors,
    )


@pytest.mark.parametrize(
    ("translate", "matrix"),
    [(translate_x, lambda t: (1, 0, -t, 0, 1, 0)), (translate_y, lambda t: (1, 0, 0, 0, 1, -t))],
)
def test_translation_equals_pillow(images, assert_equals_pillow, generator, translate, matrix):
    pixels = torch.randint(-34, 35, (len(images),), generator=generator)
    assert_equals_pillow(
        translate(images, pixels),
        images,
        lambda image, shift: transform(image, *matrix(shift)),
        pixels,
    )


@pytest.mark.parametrize(("fraction", "whole"), [(3.9, 3), (-3.9, -3), (0.5, 0)])
def test_fractions_of_a_pixel_are_cut_off(make_images, fraction, whole):
    images = make_images(2)
    result = translate_x(images, torch.full((2,), fraction))
    assert torch.equal(result, translate_x(images, torch.full((2,), whole)))


def test_positive_translation_moves_right_and_down(make_images):
    images = make_images(1)
    assert torch.equal(translate_x(images, torch.tensor([2]))[..., 2:], images[..., :-2]), (
        "content moves right"
    )
    assert torch.equal(translate_y(images, torch.tensor([2]))[:, :, 2:], images[:, :, :-2]), (
        "content moves down"
    )


def test_angles_are_uniform_between_both_limits(generator):
    angles = draw_angles(90_000, degrees=15, generator=generator)
    counts = torch.histc(angles.float(), bins=30, min=-15, max=15)
    assert counts.sum() == 90_000
    assert ((counts - 3000) ** 2 / 3000).sum().item() < 58.3  # 99.9th percentile, 29 degrees
