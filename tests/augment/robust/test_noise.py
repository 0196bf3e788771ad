"""Noise of each image's own strength, from a table that stands in for a generator."""

from __future__ import annotations

import torch

from thriftnet.augment.robust.noise import add_noise, draw_noise
from thriftnet.augment.robust.normals import draw_places, normals


def test_numbers_of_the_table_are_standard_normal_and_independent(generator: torch.Generator):
    places = draw_places((400,), generator=generator)
    found = normals(places, (3, 32, 32), device=torch.device("cpu"))
    assert found.shape == (400, 3, 32, 32)
    assert abs(float(found.mean())) < 0.01
    assert abs(float(found.std()) - 1) < 0.01
    assert abs(float((found**4).mean()) - 3) < 0.1
    beside = found[..., 1:] * found[..., :-1]
    assert abs(float(beside.mean())) < 0.01
    again = normals(places, (3, 32, 32), device=torch.device("cpu"))
    assert torch.equal(found, again)


def test_the_last_places_have_as_many_numbers():
    found = normals(torch.tensor([2**20 - 1]), (3, 128, 128), device=torch.device("cpu"))
    assert found.shape == (1, 3, 128, 128)


def test_a_drawn_share_gets_noise_of_the_drawn_deviation(generator: torch.Generator):
    images = torch.full((300, 3, 32, 32), 128, dtype=torch.uint8)
    drawn = draw_noise(300, share=0.5, deviation=0.1, generator=generator)
    assert 110 < int(drawn.chosen.sum()) < 190
    assert 0 <= float(drawn.deviations.min()) < 0.01
    assert 0.09 < float(drawn.deviations.max()) <= 0.1
    found = add_noise(images, drawn)
    assert found.dtype == torch.uint8
    assert found.is_contiguous(memory_format=torch.channels_last)
    kept = found[~drawn.chosen]
    assert torch.equal(kept, images[~drawn.chosen])
    spread = (found[drawn.chosen].float() - 128).flatten(1).std(dim=1)
    wanted = 255 * drawn.deviations[drawn.chosen]
    rounding = 1 / 12
    torch.testing.assert_close(spread, (wanted**2 + rounding).sqrt(), rtol=0.1, atol=0.3)


def test_levels_are_clipped():
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 32, 32)
    drawn = draw_noise(2, share=1, deviation=1, generator=torch.Generator().manual_seed(3))
    found = add_noise(images.contiguous(), drawn)
    assert int(found[0].min()) == 0
    assert int(found[1].max()) == 255
