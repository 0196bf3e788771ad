"""The policies as a whole: their tables, what they draw, and what that does to a batch."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from thriftnet.augment.operations import NUMBERS, OPERATIONS, apply_operations
from thriftnet.augment.policies import (
    AUTOAUGMENT_BINS,
    AUTOAUGMENT_CIFAR10,
    AUTOAUGMENT_SCALES,
    TRIVIALAUGMENT_SCALES,
)
from thriftnet.augment.policy_draws import draw_autoaugment, draw_policy, draw_trivialaugment


def transform(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


PILLOW = {
    "Identity": lambda image, _: image,
    "ShearX": lambda image, m: transform(image, 1, m, 0, 0, 1, 0),
    "ShearY": lambda image, m: transform(image, 1, 0, 0, m, 1, 0),
    "TranslateX": lambda image, m: transform(image, 1, 0, -int(m), 0, 1, 0),
    "TranslateY": lambda image, m: transform(image, 1, 0, 0, 0, 1, -int(m)),
    "Rotate": lambda image, m: image.rotate(m),
    "Brightness": lambda image, m: ImageEnhance.Brightness(image).enhance(1 + m),
    "Color": lambda image, m: ImageEnhance.Color(image).enhance(1 + m),
    "Contrast": lambda image, m: ImageEnhance.Contrast(image).enhance(1 + m),
    "Sharpness": lambda image, m: ImageEnhance.Sharpness(image).enhance(1 + m),
    "Posterize": lambda image, m: ImageOps.posterize(image, round(m)),
    "Solarize": lambda image, m: ImageOps.solarize(image, m),
    "AutoContrast": lambda image, _: ImageOps.autocontrast(image),
    "Equalize": lambda image, _: ImageOps.equalize(image),
    "Invert": lambda image, _: ImageOps.invert(image),
}
NAMES = list(OPERATIONS)


@pytest.mark.parametrize("policy", ["autoaugment", "trivialaugment"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 45)])
def test_a_mixed_batch_equals_pillow_image_by_image(
    make_images, assert_equals_pillow, generator, policy, height, width
):
    count = 500
    images = make_images(count, height=height, width=width)
    choices = draw_policy(policy, count, height=height, width=width, generator=generator)
    result = images
    for numbers, magnitudes in choices:
        result = apply_operations(result, numbers, magnitudes)
    position = iter(range(count))

    def one_by_one(image):
        row = next(position)
        for numbers, magnitudes in choices:
            image = PILLOW[NAMES[numbers[row]]](image, magnitudes[row].item())
        return image

    assert_equals_pillow(result, images, one_by_one)


def test_autoaugment_takes_each_step_as_often_as_the_table_says(generator):
    count = 200_000
    choices = draw_autoaugment(count, height=32, width=32, generator=generator)
    for step, (numbers, _) in enumerate(choices):
        share = torch.bincount(numbers, minlength=len(NAMES)) / count
        for name in AUTOAUGMENT_SCALES:
            listed = [pair[step] for pair in AUTOAUGMENT_CIFAR10 if pair[step].operation == name]
            expected = sum(entry.probability for entry in listed) / 25
            assert abs(share[NUMBERS[name]].item() - expected) < 0.004, name


def test_autoaugment_draws_both_steps_from_one_sub_policy(generator):
    first, second = draw_autoaugment(50_000, height=32, width=32, generator=generator)
    drawn = set(zip(first.numbers.tolist(), second.numbers.tolist(), strict=True))
    pairs = {tuple(NUMBERS[step.operation] for step in pair) for pair in AUTOAUGMENT_CIFAR10}
    both = {pair for pair in drawn if NUMBERS["Identity"] not in pair}
    impossible = (NUMBERS["Solarize"], NUMBERS["Invert"])  # its second step has probability 0
    assert both == pairs - {impossible}


# Spot checks against the paper: table 7 lists bins, section 3 and table 6 the ranges.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Rotate", {30 / 9 * 2}),
        ("ShearY", {0.3 / 9 * 7, 0.3 / 9 * 8}),
        ("TranslateY", {150 / 331 * 48 / 9 * 3, 150 / 331 * 48}),
        ("TranslateX", {150 / 331 * 64, 150 / 331 * 64 / 9 * 8}),
        ("Contrast", {0.6, 0.7}),
        ("Solarize", {255 / 9 * 7, 255 / 9 * 4, 255 / 9, 255 / 9 * 6}),
    ],
)
def test_autoaugment_magnitudes(generator, name, expected):
    choices = draw_autoaugment(50_000, height=48, width=64, generator=generator)
    drawn = torch.cat([c.magnitudes[c.numbers == NUMBERS[name]] for c in choices]).numpy()
    np.testing.assert_allclose(np.unique(np.abs(drawn).round(4)), sorted(expected), atol=1e-3)
    negative = (drawn < 0).mean()
    assert negative == 0 if name == "Solarize" else abs(negative - 0.5) < 0.05


def test_posterize_keeps_the_bits_of_the_reference_table(generator):
    # 8 − round(bin · 4 / 9), of which the policy uses bin 7; the wide space goes down to 2 bits.
    first, second = draw_autoaugment(50_000, height=32, width=32, generator=generator)
    bits = second.magnitudes[second.numbers == NUMBERS["Posterize"]].round().unique()
    assert bits.tolist() == [8 - round(7 * 4 / (AUTOAUGMENT_BINS - 1))]
    wide = draw_trivialaugment(50_000, height=32, width=32, generator=generator)
    bits = wide.magnitudes[wide.numbers == NUMBERS["Posterize"]].round().unique()
    assert bits.tolist() == [2, 3, 4, 5, 6, 7, 8]


def test_trivialaugment_is_uniform_over_operations_bins_and_signs(generator):
    count = 140_000
    numbers, magnitudes = draw_trivialaugment(count, height=32, width=32, generator=generator)
    counts = torch.bincount(numbers, minlength=len(NAMES))
    assert counts[NUMBERS["Invert"]] == 0
    used = counts[[NUMBERS[name] for name in TRIVIALAUGMENT_SCALES]]
    assert len(used) == 14
    assert ((used - 10_000) ** 2 / 10_000).sum().item() < 34.5  # 99.9th percentile, 13 degrees
    angles = magnitudes[numbers == NUMBERS["Rotate"]].abs()
    bins = torch.bincount((angles / 4.5).round().long(), minlength=31)
    assert len(bins) == 31
    assert angles.max() == 135
    assert bins.min() > 220
    assert bins.max() < 430
    shifts = magnitudes[numbers == NUMBERS["TranslateX"]]
    assert shifts.abs().max() == 32
    assert abs((shifts < 0).double().mean().item() - 0.5 * 30 / 31) < 0.03


def test_a_batch_of_one_and_an_empty_batch(make_images):
    for count in (0, 1):
        images = make_images(count)
        for name in OPERATIONS:
            numbers = torch.full((count,), NUMBERS[name])
            result = apply_operations(images, numbers, torch.full((count,), 2.0))
            assert result.shape == images.shape
            assert result.is_contiguous(memory_format=torch.channels_last)
