from itertools import pairwise

import torch
from PIL import ImageOps

from thriftnet.augment.flip import alternating_flips, draw_flips, flip


def test_marked_images_are_mirrored_and_others_untouched(images, assert_equals_pillow, generator):
    flips = draw_flips(len(images), generator=generator)
    before = images.clone()
    result = flip(images, flips)
    assert_equals_pillow(
        result, images, lambda image, marked: ImageOps.mirror(image) if marked else image, flips
    )
    assert torch.equal(images, before)


def test_random_flips_are_fair_and_follow_the_generator():
    draws = [draw_flips(10_000, generator=torch.Generator().manual_seed(s)) for s in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert abs(draws[0].float().mean().item() - 0.5) < 0.02


def test_alternating_flips_start_with_a_random_half_and_change_every_time():
    indices = torch.arange(50_000)
    times = [alternating_flips(indices, visits=visits, seed=5) for visits in range(4)]
    assert abs(times[0].float().mean().item() - 0.5) < 0.01
    for before, after in pairwise(times):
        assert torch.equal(after, ~before)


def test_alternating_flips_count_each_image_for_itself():
    indices, visits = torch.arange(1000), torch.arange(1000) % 5
    found = alternating_flips(indices, visits=visits, seed=5)
    for number in range(5):
        own = visits == number
        assert torch.equal(found[own], alternating_flips(indices[own], visits=number, seed=5))


def test_alternating_flips_depend_on_the_image_and_not_on_its_place_in_a_batch():
    indices = torch.arange(1000)
    shuffled = indices[torch.randperm(1000, generator=torch.Generator().manual_seed(0))]
    whole = alternating_flips(indices, visits=3, seed=5)
    assert torch.equal(alternating_flips(shuffled, visits=3, seed=5), whole[shuffled])
    assert torch.equal(alternating_flips(indices[7:8], visits=3, seed=5), whole[7:8])


def test_alternating_flips_of_different_seeds_are_unrelated():
    indices = torch.arange(50_000)
    halves = [alternating_flips(indices, visits=0, seed=seed) for seed in (0, 1, -1, 2**70)]
    for number, one in enumerate(halves):
        for other in halves[number + 1 :]:
            assert abs((one == other).float().mean().item() - 0.5) < 0.015


def test_neighbouring_images_do_not_start_alike():
    flips = alternating_flips(torch.arange(50_000), visits=0, seed=0)
    assert abs((flips[1:] == flips[:-1]).float().mean().item() - 0.5) < 0.015
