"""All ingredients in the pipeline: off by default, seeded, and the same in any portions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from thriftnet.augment import Augment, normalise
from thriftnet.augment.pipeline import Draws
from thriftnet.augment.robust.ingredients import Robust

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)
EACH: list[dict[str, float]] = [{"augmix": 0.5}, {"prime": 0.5}, {"noise": 0.5}, {"jpeg": 0.5}]
ALL = {key: value for each in EACH for key, value in each.items()}
SETTINGS = [*EACH, ALL]
MakeImages = Callable[..., Tensor]


def name(settings: dict[str, float]) -> str:
    return "-".join(settings)


def made(settings: dict[str, Any], **others: Any) -> Augment:
    return Augment(mean=MEAN, std=STD, robust=Robust(**settings), **others)


def run(augment: Augment, images: Tensor, seed: int = 0) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return augment(images, indices=torch.arange(len(images)), visits=0, generator=draws)


def test_what_is_off_draws_nothing(make_images: MakeImages):
    """So that recipes without it keep their bits."""
    images = make_images(32)
    draws = torch.Generator().manual_seed(0)
    plain = Augment(mean=MEAN, std=STD, flip="random", cutout=8)
    before = plain.draw(32, height=32, width=32, generator=draws)
    after = torch.rand(1, generator=draws)
    assert before.robust is None
    draws = torch.Generator().manual_seed(0)
    made({}, flip="random", cutout=8).draw(32, height=32, width=32, generator=draws)
    assert torch.equal(after, torch.rand(1, generator=draws))
    assert torch.equal(run(made({}), images), normalise(images, mean=MEAN, std=STD))


@pytest.mark.parametrize("settings", SETTINGS, ids=name)
def test_the_generator_decides(make_images: MakeImages, settings: dict[str, float]):
    images = make_images(64)
    augment = made(settings, flip="random", cutout=6)
    assert torch.equal(run(augment, images, 3), run(augment, images, 3))
    assert not torch.equal(run(augment, images, 3), run(augment, images, 4))


@pytest.mark.parametrize("settings", SETTINGS, ids=name)
@pytest.mark.parametrize(("count", "height", "width"), [(0, 32, 32), (1, 32, 32), (24, 9, 21)])
def test_shape_type_and_layout(
    make_images: MakeImages, settings: dict[str, float], count: int, height: int, width: int
):
    images = make_images(count, height=height, width=width)
    before = images.clone()
    found = run(made(settings), images)
    assert found.shape == images.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert bool(found.isfinite().all())
    assert torch.equal(images, before)
    assert torch.equal(run(made(settings), images.contiguous()), found)


@pytest.mark.parametrize("settings", SETTINGS, ids=name)
def test_joined_draws_do_to_a_batch_what_each_does_to_its_part(
    make_images: MakeImages, settings: dict[str, float]
):
    augment, images, at = made(settings, cutout=8), make_images(24), torch.arange(24)
    generator = torch.Generator().manual_seed(0)
    parts = at.split([10, 10, 4])
    drawn = [augment.draw(len(p), height=32, width=32, generator=generator) for p in parts]
    each = [
        augment.views(images[p], d, indices=p, visits=0) for p, d in zip(parts, drawn, strict=True)
    ]
    whole = augment.views(images, Draws.join(drawn), indices=at, visits=0)
    for view, found in zip(zip(*each, strict=True), whole, strict=True):
        assert torch.equal(torch.cat(view), found)


def test_views_are_the_image_without_and_with_the_ingredients(make_images: MakeImages):
    images, at = make_images(48), torch.arange(48)
    settings: dict[str, Any] = {"flip": "random", "crop_padding": 3, "cutout": 6}
    augment, plain = made(ALL, **settings), made({}, **settings)
    generator = torch.Generator().manual_seed(2)
    drawn = augment.draw(48, height=32, width=32, generator=generator)
    without, changed = augment.views(images, drawn, indices=at, visits=0)
    clean = plain.apply(images, replace(drawn, robust=None), indices=at, visits=0)
    assert torch.equal(without, clean)
    assert torch.equal(changed, augment.apply(images, drawn, indices=at, visits=0))
    assert 24 < int((without != changed).flatten(1).any(1).sum()) < 48


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augmix": 1.1}, "augmix must be 0 to 1, not 1.1"),
        ({"noise": -0.1}, "noise must be 0 to 1"),
        ({"jpeg": float("nan")}, "jpeg must be 0 to 1"),
        ({"jpeg_quality": 0}, "jpeg_quality must be 1 to 95"),
        ({"augmix_severity": 11}, "augmix_severity must be 1 to 10"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Robust(**settings)
