"""AugMix and the primitives: what a copy goes through, and what becomes of the mixture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from thriftnet.augment.operations import NUMBERS, OPERATIONS
from thriftnet.augment.robust.augmix import augmix, draw_augmix
from thriftnet.augment.robust.chains import Chains, mix_chains
from thriftnet.augment.robust.prime import (
    draw_prime,
    prime,
    random_colours,
    random_filter,
    random_warp,
)

MakeImages = Callable[..., Tensor]


def drawn_augmix(count: int, generator: torch.Generator, severity: int = 3) -> Chains:
    return draw_augmix(count, share=1, severity=severity, height=32, width=24, generator=generator)


def test_augmix_is_the_weighted_sum_of_its_chains(
    make_images: MakeImages, generator: torch.Generator
):
    """Against the equation of the paper, an image and an operation at a time."""
    images = make_images(24, width=24)
    drawn = drawn_augmix(24, generator)
    found = augmix(images, drawn)
    operations = list(OPERATIONS.values())
    for number in range(24):
        mixed = drawn.weights[number, 0] * images[number].float()
        for copy in range(3):
            changed = images[number : number + 1]
            for place in range(3):
                how = operations[int(drawn.numbers[number, copy, place])]
                changed = how(changed, drawn.magnitudes[number, copy, place : place + 1])
            mixed = mixed + drawn.weights[number, 1 + copy] * changed[0].float()
        torch.testing.assert_close(found[number].float(), mixed, rtol=0, atol=0.51)


def test_augmix_draws_what_the_paper_says(generator: torch.Generator):
    drawn = drawn_augmix(3000, generator)
    names = np.array(list(OPERATIONS))[drawn.numbers.numpy()]
    taken = names != "Identity"
    np.testing.assert_allclose(np.bincount(taken.sum(2).ravel())[1:] / 9000, 1 / 3, atol=0.02)
    kinds, counts = np.unique(names[taken], return_counts=True)
    assert set(kinds) == {
        "AutoContrast", "Equalize", "Posterize", "Rotate", "ShearX", "ShearY", "Solarize",
        "TranslateX", "TranslateY",
    }  # fmt: skip
    np.testing.assert_allclose(counts / taken.sum(), 1 / 9, atol=0.01)
    size = drawn.magnitudes.numpy()
    for name, largest in (("Rotate", 8), ("ShearX", 0.09), ("TranslateX", 2), ("TranslateY", 3)):
        values = size[names == name]
        assert abs(values).max() == pytest.approx(largest, rel=0.03)
        assert 0.4 < (values > 0).sum() / (values != 0).sum() < 0.6
    assert set(size[names == "Posterize"]) == {3, 4}
    assert size[names == "Solarize"].min() >= 256 - 0.3 * 256
    torch.testing.assert_close(drawn.weights.sum(1), torch.ones(3000))
    own, copies = drawn.weights[:, 0], drawn.weights[:, 1:]
    assert abs(float(own.mean()) - 0.5) < 0.02
    np.testing.assert_allclose(copies.mean(0), 1 / 6, atol=0.01)
    assert abs(float(own.var()) - 1 / 12) < 0.01  # uniform


def test_the_most_severe_level_keeps_a_bit(make_images: MakeImages, generator: torch.Generator):
    drawn = drawn_augmix(500, generator, severity=10)
    bits = drawn.magnitudes[drawn.numbers == NUMBERS["Posterize"]]
    assert float(bits.min()) == 1
    augmix(make_images(500, width=24), drawn)


def test_images_that_are_not_chosen_stay(make_images: MakeImages, generator: torch.Generator):
    images = make_images(60)
    drawn = draw_augmix(60, share=0.3, severity=3, height=32, width=32, generator=generator)
    found = augmix(images, drawn)
    assert torch.equal(found[~drawn.chosen], images[~drawn.chosen])
    assert 5 < int(drawn.chosen.sum()) < 30


def test_a_mixture_of_copies_that_nothing_changed_is_the_image(make_images: MakeImages):
    images = make_images(12)
    nothing = torch.zeros(12, 3, 2, dtype=torch.int64)
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).expand(12, 4)
    drawn = Chains(torch.ones(12, dtype=torch.bool), nothing, nothing.double(), nothing, weights)
    assert torch.equal(mix_chains(images, drawn, lambda copies, *_: copies), images)


PRIMITIVES = [random_filter, random_colours, random_warp]


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_a_primitive_without_strength_changes_nothing(
    make_images: MakeImages, primitive: Callable[..., Tensor]
):
    images = make_images(12, height=20, width=28)
    found = primitive(images, torch.zeros(12), torch.arange(12))
    assert int((found.int() - images.int()).abs().max()) <= 1  # grid_sample's rounding


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_a_primitive_depends_on_strength_and_place_of_its_own_image(
    make_images: MakeImages, primitive: Callable[..., Tensor]
):
    images = make_images(8)[1:2].expand(3, 3, 32, 32).contiguous()
    strength = torch.tensor([0.04, 0.04, 0.04])
    if primitive is random_warp:
        strength = strength * 50
    found = primitive(images, strength, torch.tensor([5, 70_000, 5]))
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])
    weaker = primitive(images, strength / 4, torch.tensor([5, 70_000, 5]))
    moved, less = ((each.float() - images.float()).abs().mean() for each in (found, weaker))
    assert 0 < float(less) < float(moved)


def test_a_filter_is_the_correlation_with_an_impulse_and_noise(make_images: MakeImages):
    images = make_images(6)
    found = random_filter(images, torch.full((6,), 0.1), torch.zeros(6, dtype=torch.int64))
    from scipy import ndimage

    from thriftnet.augment.robust.normals import normals

    kernel = normals(torch.tensor([0]), (3, 3), device=torch.device("cpu"))[0].numpy() * 0.1
    kernel[1, 1] += 1
    for number in range(6):
        for channel in range(3):
            plane = images[number, channel].numpy().astype(np.float64)
            expected = ndimage.correlate(plane, kernel, mode="nearest").round().clip(0, 255)
            np.testing.assert_allclose(found[number, channel].numpy(), expected, atol=1)


def test_a_warp_moves_pixels_by_as_much_as_it_says():
    """A ramp shows the field: its slope is one level a pixel."""
    ramp = torch.arange(32, dtype=torch.uint8).expand(200, 3, 32, 32) * 4
    places = torch.arange(200) * 5000
    found = random_warp(ramp.contiguous(), torch.full((200,), 1.0), places)
    moved = (found.float() - ramp.float())[:, 0] / 4
    modes = np.arange(1, 7) ** 2
    expected = np.sqrt((2 / (modes[:, None] + modes) / 4).sum())  # a sine's mean square is a half
    assert float(moved.square().mean().sqrt()) == pytest.approx(expected, rel=0.1)
    assert float(moved[:, 0].abs().mean()) < 0.5 * float(moved[:, 16].abs().mean())  # the border


def test_colours_are_changed_channel_by_channel_and_alike_over_the_image():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    found = random_colours(images.contiguous(), torch.full((2,), 0.05), torch.tensor([3, 999]))
    assert len({each.numpy().tobytes() for each in found.flatten(0, 1)}) == 6
    doubled = torch.cat([images, images], dim=3)
    again = random_colours(doubled.contiguous(), torch.full((2,), 0.05), torch.tensor([3, 999]))
    assert torch.equal(again[..., :16], again[..., 16:])
    assert int(found[:, :, 0, 0].max()) == 0  # sin 0


def test_prime_mixes_a_share(make_images: MakeImages, generator: torch.Generator):
    images = make_images(100)
    drawn = draw_prime(100, share=0.5, generator=generator)
    found = prime(images, drawn)
    assert torch.equal(found[~drawn.chosen], images[~drawn.chosen])
    changed = (found != images).flatten(1).any(1)
    assert int(changed.sum()) > 0.8 * int(drawn.chosen.sum())
    assert set(drawn.numbers.flatten().tolist()) == {0, 1, 2}
