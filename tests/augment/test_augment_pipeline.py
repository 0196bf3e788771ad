import pytest
import torch

from thriftnet.augment import Augment, normalise
from thriftnet.augment.pipeline import Draws

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2471, 0.2435, 0.2616)
AUTHORS = {
    "flip": "random",
    "crop_padding": 4,
    "crop_mode": "zero",
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "policy": "autoaugment",
    "rotation": 15,
}
EACH = [
    {"flip": "random"},
    {"crop_padding": 4, "crop_mode": "zero"},
    {"crop_padding": 4, "crop_mode": "reflect"},
    {"brightness": 0.4},
    {"contrast": 0.4},
    {"saturation": 0.4},
    {"policy": "autoaugment"},
    {"policy": "trivialaugment"},
    {"rotation": 15},
    {"cutout": 8},
]
ALL = [*EACH, {"flip": "alternating"}, AUTHORS]


def name(settings):
    return "authors" if settings is AUTHORS else "-".join(map(str, settings.values()))


def run(settings, images, *, seed=0, visits=0):
    augment = Augment(mean=MEAN, std=STD, **settings)
    generator = torch.Generator().manual_seed(seed)
    return augment(images, indices=torch.arange(len(images)), visits=visits, generator=generator)


def test_everything_off_is_normalisation(images):
    assert torch.equal(run({}, images), normalise(images, mean=MEAN, std=STD))


@pytest.mark.parametrize("settings", ALL, ids=name)
@pytest.mark.parametrize(("count", "height", "width"), [(0, 32, 32), (1, 32, 32), (64, 9, 21)])
def test_shape_type_and_layout(make_images, settings, count, height, width):
    images = make_images(count, height=height, width=width)
    before = images.clone()
    result = run(settings, images)
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert bool(result.isfinite().all())
    assert torch.equal(images, before), "the input is left as it was"


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_identical_images_of_a_batch_come_out_different(make_images, settings):
    images = make_images(2)[1:].repeat(64, 1, 1, 1)
    result = run(settings, images)
    distinct = len({image.numpy().tobytes() for image in result})
    assert distinct >= (2 if "flip" in settings and len(settings) == 1 else 10)


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_the_generator_decides(make_images, settings):
    images = make_images(64)
    assert torch.equal(run(settings, images, seed=3), run(settings, images, seed=3))
    if settings != {"flip": "alternating"}:
        assert not torch.equal(run(settings, images, seed=3), run(settings, images, seed=4))


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_memory_format_of_the_input_does_not_matter(make_images, settings):
    images = make_images(32)
    assert torch.equal(run(settings, images.contiguous()), run(settings, images))


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_joined_draws_do_to_a_batch_what_each_does_to_its_part(make_images, settings):
    augment = Augment(mean=MEAN, std=STD, **settings)
    images, positions = make_images(24), torch.arange(24)
    generator = torch.Generator().manual_seed(0)
    parts = positions.split([10, 10, 4])
    drawn = [augment.draw(len(p), height=32, width=32, generator=generator) for p in parts]
    each = [
        augment.apply(images[p], d, indices=p, visits=p % 3)
        for p, d in zip(parts, drawn, strict=True)
    ]
    whole = augment.apply(images, Draws.join(drawn), indices=positions, visits=positions % 3)
    assert torch.equal(whole, torch.cat(each))


def test_alternating_flips_show_both_sides_in_turn(make_images):
    images = make_images(64)
    plain = normalise(images, mean=MEAN, std=STD)
    times = [run({"flip": "alternating"}, images, visits=visits) for visits in (0, 1, 2)]
    assert torch.equal(times[0], times[1].flip(3))
    assert torch.equal(times[0], times[2])
    kept = (times[0] == plain).flatten(1).all(1)
    assert 20 <= kept.sum() <= 60


def test_alternating_flips_follow_the_position_in_the_training_set(make_images):
    images = make_images(64)
    augment = Augment(mean=MEAN, std=STD, flip="alternating", seed=9)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator()
    straight = augment(images, indices=torch.arange(64), visits=1, generator=generator)
    shuffled = augment(images[order], indices=order, visits=1, generator=generator)
    assert torch.equal(shuffled, straight[order])


def test_cutout_leaves_the_mean_colour(make_images):
    images = make_images(64) | 1  # odd levels: none normalises to exactly zero
    result = run({"cutout": 8}, images)
    zeroed = (result == 0).all(dim=1).sum(dim=(1, 2))
    assert zeroed.max() == 64
    assert zeroed.min() >= 16
    kept = result != 0
    assert torch.equal(result[kept], normalise(images, mean=MEAN, std=STD)[kept])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"flip": "sometimes"}, "flip must be one of none, random, alternating"),
        ({"crop_mode": "wrap"}, "crop_mode must be one of zero, reflect"),
        ({"policy": "randaugment"}, "policy must be one of none, autoaugment, trivialaugment"),
        ({"crop_padding": -1}, "crop_padding must be 0 or more, not -1"),
        ({"brightness": -0.1}, "brightness must be 0 or more"),
        ({"contrast": float("nan")}, "contrast must be 0 or more"),
        ({"saturation": float("inf")}, "saturation must be 0 or more"),
        ({"rotation": 181}, "rotation must be 0 to 180"),
        ({"cutout": -8}, "cutout must be 0 or more"),
        ({"std": (0.2, 0.0, 0.2)}, "std must be positive"),
        ({"mean": (0.5, 0.5)}, "mean must be three finite numbers"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Augment(**{"mean": MEAN, "std": STD, **settings})


def test_images_of_another_type_are_refused(make_images):
    with pytest.raises(ValueError, match="uint8"):
        run({}, make_images(2).float())
