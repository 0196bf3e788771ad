"""Every corruption against plain NumPy and SciPy, with the same draws or equal statistics."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import corruption_reference as reference
from thriftnet.errors import RecipeError
from thriftnet.evaluation.corruptions.digital import jpeg_copies
from thriftnet.evaluation.corruptions.table import (
    CORRUPTIONS,
    OWN,
    PUBLISHED,
    SEVERITIES,
    check_corruption,
    corrupt,
    every_corruption,
)
from thriftnet.evaluation.corruptions.weather import plasma

EXACT = ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression")
NOISE = ("gaussian_noise", "shot_noise", "impulse_noise")


def pictures(count: int, side: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """Blocks of colour under some grain, with black and white among them."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, side // 4, side // 4, 3))
    blocks[rng.random(blocks.shape[:3]) < 0.1] = 0
    blocks[rng.random(blocks.shape[:3]) < 0.1] = 255
    large = blocks.repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(large + rng.integers(-9, 10, large.shape), 0, 255).astype(np.uint8)


IMAGES = pictures(12)


def as_levels(images: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(np.clip(images, 0, 1) * 255 + 1e-6).astype(np.int64)


def compared(name: str, severity: int, seed: int, draws: Callable[..., list[Any]]) -> float:
    """Mean difference in levels from the reference, which is handed the same draws."""
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255
    generator = torch.Generator().manual_seed(seed)
    found = CORRUPTIONS[name](images, severity, generator).clamp(0, 1).permute(0, 2, 3, 1) * 255
    given = draws(torch.Generator().manual_seed(seed))
    make = getattr(reference, name)
    wanted = np.stack([make(i / 255, severity, d) for i, d in zip(IMAGES, given, strict=True)])
    return float(np.abs(np.floor(found.numpy() + 0.01) - as_levels(wanted)).mean())


@pytest.mark.parametrize("severity", range(1, SEVERITIES + 1))
@pytest.mark.parametrize("name", EXACT)
def test_those_without_draws_equal_the_reference(name: str, severity: int):
    wanted = np.stack([getattr(reference, name)(i / 255, severity, None) for i in IMAGES])
    found = corrupt(IMAGES, f"{name}:{severity}")
    away = np.abs(found - as_levels(wanted))
    assert away.mean() <= 0.15  # truncation, where a value is a whole number but for rounding
    assert away.max() <= 1


def glass(severity: int) -> Callable[..., list[Any]]:
    rounds = (1, 1, 1, 2, 2)[severity - 1]

    def draws(generator: torch.Generator) -> list[Any]:
        shape = (2, len(IMAGES), 32, 32)
        moves = [torch.randint(-1, 1, shape, generator=generator) for _ in range(rounds)]
        return list(torch.stack(moves).permute(2, 0, 1, 3, 4).numpy())

    return draws


def motion(_: int) -> Callable[..., list[Any]]:
    return lambda g: (-45 + 90 * torch.rand(len(IMAGES), generator=g)).tolist()


def snowing(_: int) -> Callable[..., list[Any]]:
    def draws(generator: torch.Generator) -> list[Any]:
        normal = torch.randn((len(IMAGES), 1, 32, 32), generator=generator)[:, 0].double().numpy()
        angles = (-135 + 90 * torch.rand(len(IMAGES), generator=generator)).tolist()
        return list(zip(normal, angles, strict=True))

    return draws


def fogging(severity: int) -> Callable[..., list[Any]]:
    decay = (3, 3, 2.5, 2, 1.75)[severity - 1]
    return lambda g: list(plasma(len(IMAGES), 32, decay, g).double().numpy())


def elastic(severity: int) -> Callable[..., list[Any]]:
    def draws(generator: torch.Generator) -> list[Any]:
        points = torch.rand((len(IMAGES), 3, 2), generator=generator).double().numpy()
        noise = torch.zeros(len(IMAGES), 2, 32, 32)
        if severity > 1:
            noise = -1 + 2 * torch.rand(noise.shape, generator=generator)
        return list(zip(points, noise.double().numpy(), strict=True))

    return draws


DRAWN = {
    "glass_blur": glass,
    "motion_blur": motion,
    "snow": snowing,
    "fog": fogging,
    "elastic_transform": elastic,
}


@pytest.mark.parametrize("severity", range(1, SEVERITIES + 1))
@pytest.mark.parametrize("name", DRAWN)
def test_those_with_draws_equal_the_reference_with_the_same_draws(name: str, severity: int):
    assert compared(name, severity, 7, DRAWN[name](severity)) <= 0.5


@pytest.mark.parametrize("severity", range(1, SEVERITIES + 1))
@pytest.mark.parametrize("name", NOISE)
def test_noise_has_the_statistics_of_the_reference(name: str, severity: int):
    images = pictures(150)
    rng = np.random.default_rng(severity)
    wanted = as_levels(getattr(reference, name)(images / 255, severity, rng)) - images.astype(int)
    found = corrupt(images, f"{name}:{severity}").astype(int) - images
    assert np.abs(found).mean() == pytest.approx(np.abs(wanted).mean(), rel=0.03)
    assert found.std() == pytest.approx(wanted.std(), rel=0.03)
    assert found.mean() == pytest.approx(wanted.mean(), abs=0.15)
    assert (found == 0).mean() == pytest.approx((wanted == 0).mean(), abs=0.01)


def test_clouds_have_the_statistics_of_the_reference():
    rng = np.random.default_rng(0)
    for decay in (3.0, 1.75):
        wanted = np.stack([reference.plasma(32, decay, rng) for _ in range(60)])
        found = plasma(400, 32, decay, torch.Generator().manual_seed(0)).numpy()
        for part in (found, wanted):
            assert (part.min(axis=(1, 2)) == 0).all()
            assert (part.max(axis=(1, 2)) == 1).all()
        assert found.mean() == pytest.approx(wanted.mean(), abs=0.04)
        assert found.std() == pytest.approx(wanted.std(), rel=0.08)
        step = np.abs(np.diff(found, axis=2)).mean()
        assert step == pytest.approx(np.abs(np.diff(wanted, axis=2)).mean(), rel=0.08)


def test_fifteen_names_in_the_order_of_the_published_files():
    assert list(PUBLISHED) == [
        "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur",
        "motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast",
        "elastic_transform", "pixelate", "jpeg_compression",
    ]  # fmt: skip
    assert len(list(every_corruption())) == 75
    assert {*EXACT, *NOISE, *DRAWN, *OWN} == set(PUBLISHED)
    assert all(inspect.getdoc(make) for make in CORRUPTIONS.values())


def test_a_kind_that_was_not_published_is_not_in_the_mean(monkeypatch: pytest.MonkeyPatch):
    """CONTRIBUTING.md says where it is entered; earlier figures stay comparable."""
    monkeypatch.setitem(CORRUPTIONS, "negative", lambda images, *_: 1 - images)
    assert (corrupt(IMAGES, "negative:1") == 255 - IMAGES).all()
    assert "negative" not in {name for name, _ in every_corruption()}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_is_the_same_every_time_and_further_from_the_image_at_the_highest(name: str):
    images = pictures(40)
    mild, hard = (corrupt(images, f"{name}:{severity}") for severity in (1, 5))
    np.testing.assert_array_equal(hard, corrupt(images, f"{name}:5"))
    assert mild.dtype == np.uint8
    away = [np.abs(c.astype(int) - images).mean() for c in (mild, hard)]
    assert away[0] > 0
    assert away[0] < away[1] or name == "elastic_transform"  # whose first one moves whole points


@pytest.mark.parametrize("side", [8, 20, 64])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_takes_images_of_any_size(name: str, side: int):
    images = pictures(3, side=side)
    found = corrupt(images, f"{name}:5")
    assert found.shape == images.shape
    assert (found != images).any()
    assert corrupt(images[:0], f"{name}:5").shape == (0, side, side, 3)


def test_lengths_grow_with_the_side_of_the_image():
    """A severity looks the same at any size: what is magnified is blurred as much."""
    small = pictures(6)
    large = small.repeat(4, axis=1).repeat(4, axis=2)
    for name in ("defocus_blur", "zoom_blur", "fog", "contrast"):
        found = corrupt(large, f"{name}:5").astype(float)
        again = found.reshape(6, 32, 4, 32, 4, 3).mean(axis=(2, 4))
        away = np.abs(again - small).mean()
        assert away == pytest.approx(
            np.abs(corrupt(small, f"{name}:5") - small.astype(int)).mean(), rel=0.35
        ), name


def test_images_of_other_blocks_have_other_draws():
    grey = np.full((1100, 32, 32, 3), 128, np.uint8)
    found = corrupt(grey, "gaussian_noise:2")
    assert not np.array_equal(found[:100], found[500:600])
    np.testing.assert_array_equal(found[:500], corrupt(grey[:500], "gaussian_noise:2"))


def test_jpeg_copies_are_those_of_pillow():
    wanted = np.stack([reference.jpeg_compression(image / 255, 1, None) for image in IMAGES])
    np.testing.assert_array_equal(jpeg_copies(IMAGES, quality=80), np.rint(wanted * 255))


@pytest.mark.parametrize("text", ["contrast", "contrast:0", "contrast:6", "contrast:x", "rain:3"])
def test_unknown_corruptions_are_refused_with_the_known_ones(text: str):
    with pytest.raises(RecipeError, match=rf"--corruption {text} .* gaussian_noise, .* contrast:3"):
        check_corruption(text)
