import pytest
import torch
from PIL import Image

from thriftnet.augment import Augment
from thriftnet.augment.pipeline import Draws
from thriftnet.augment.turn import draw_turns, turn

TURNS = Image.Transpose
ROTATIONS = [None, TURNS.ROTATE_90, TURNS.ROTATE_180, TURNS.ROTATE_270]


def test_images_are_turned_as_pillow_turns_them(assert_equals_pillow, generator):
    images = torch.randint(0, 256, (8, 3, 9, 9), generator=generator, dtype=torch.uint8)
    images = images.contiguous(memory_format=torch.channels_last)
    turns = torch.arange(8) % 4
    before = images.clone()
    found = turn(images, turns)
    assert_equals_pillow(
        found,
        images,
        lambda image, quarters: image if not quarters else image.transpose(ROTATIONS[quarters]),
        turns,
    )
    assert torch.equal(images, before)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_turns_are_even_and_follow_the_generator():
    draws = [draw_turns(8_000, generator=torch.Generator().manual_seed(s)) for s in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.bincount(draws[0]).float().div(8_000).sub(0.25).abs().max() < 0.02


def test_images_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="square images, not 4 by 5"):
        turn(torch.zeros(2, 3, 4, 5), torch.zeros(2, dtype=torch.int64))


def test_the_pipeline_turns_and_draws_nothing_without(generator):
    images = torch.randint(0, 256, (16, 3, 8, 8), generator=generator, dtype=torch.uint8)
    scale = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}
    plain, turned = Augment(**scale), Augment(**scale, quarter_turns=True)
    draws = turned.draw(16, height=8, width=8, generator=torch.Generator().manual_seed(0))
    assert plain.draw(16, height=8, width=8, generator=torch.Generator()).turns is None
    assert draws.turns is not None
    found = turned.apply(images, draws, indices=torch.arange(16), visits=0)
    expected = torch.stack(
        [torch.rot90(image, int(k), (1, 2)) for image, k in zip(images, draws.turns, strict=True)]
    )
    torch.testing.assert_close(found, expected.float())


def test_draws_of_parts_are_those_of_the_whole(generator):
    images = torch.randint(0, 256, (12, 3, 8, 8), generator=generator, dtype=torch.uint8)
    turned = Augment(mean=(0.0,) * 3, std=(1.0,) * 3, quarter_turns=True)
    drawn = [turned.draw(n, height=8, width=8, generator=generator) for n in (5, 7)]
    at = torch.arange(12)
    whole = turned.apply(images, Draws.join(drawn), indices=at, visits=0)
    parts = [
        turned.apply(part, draws, indices=own, visits=0)
        for part, draws, own in zip(images.split([5, 7]), drawn, at.split([5, 7]), strict=True)
    ]
    assert torch.equal(whole, torch.cat(parts))
