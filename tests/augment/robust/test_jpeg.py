"""Batched JPEG against what Pillow's libjpeg writes and reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.augment.robust.jpeg import add_jpeg, draw_jpeg, jpeg
from thriftnet.evaluation.corruptions.digital import jpeg_copies


def scenes(count: int, *, height: int = 32, width: int = 32) -> Tensor:
    """Smooth shapes with some grain, as photographs have them."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1) * 255
    grain = 8 * torch.randn(count, 3, height, width, generator=generator)
    return (smooth + grain).clamp(0, 255).to(torch.uint8)


def array(images: Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).contiguous().numpy().astype(np.int16)


@pytest.mark.parametrize("quality", [5, 25, 40, 58, 75, 90, 95])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 32)])
def test_copies_are_those_of_libjpeg(quality: int, height: int, width: int):
    """libjpeg computes in whole numbers: a coefficient near a tie may be rounded otherwise."""
    images = scenes(24, height=height, width=width)
    ours = array(jpeg(images, torch.full((24,), quality)))
    theirs = jpeg_copies(array(images).astype(np.uint8), quality=quality).astype(np.int16)
    lost = np.abs(theirs - array(images)).mean()
    assert np.abs(ours - theirs).mean() < min(0.8, 0.1 * lost)
    assert abs((ours - theirs).mean()) < 0.1


@pytest.mark.parametrize(("height", "width"), [(24, 24), (33, 17), (8, 8), (1, 1)])
def test_sides_that_are_no_multiple_of_sixteen(height: int, width: int):
    images = scenes(16, height=height, width=width)
    ours = array(jpeg(images, torch.full((16,), 60)))
    theirs = jpeg_copies(array(images).astype(np.uint8), quality=60).astype(np.int16)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 1.5


def test_each_image_has_its_own_quality():
    images = scenes(3)
    together = jpeg(images, torch.tensor([10, 50, 95]))
    for number, quality in enumerate((10, 50, 95)):
        alone = jpeg(images[number : number + 1], torch.tensor([quality]))
        assert torch.equal(together[number : number + 1], alone)


def test_the_chosen_share_is_changed_and_the_others_are_left(generator: torch.Generator):
    images = scenes(200)
    drawn = draw_jpeg(200, share=0.25, quality=30, generator=generator)
    assert 25 < int(drawn.chosen.sum()) < 75
    assert 30 <= int(drawn.qualities.min()) < 40
    assert 85 < int(drawn.qualities.max()) <= 95
    found = add_jpeg(images, drawn)
    changed = (found != images).flatten(1).any(1)
    assert torch.equal(changed, drawn.chosen)
