import numpy as np
import pytest
import torch

from thriftnet.augment import Mix
from thriftnet.augment.mix import cutmix, draw_boxes, draw_shares, mixup

SETTINGS = [{"mixup": 0.8}, {"cutmix": 1.0}, {"mixup": 0.2, "cutmix": 1.0}]


def make_batch(count, *, height=32, width=32, classes=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, height, width, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    targets = torch.nn.functional.one_hot(labels, classes).float()
    return images.contiguous(memory_format=torch.channels_last), targets


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("count", [0, 1, 64])
def test_keeps_label_mass_shape_and_layout(settings, count, generator):
    images, targets = make_batch(count, height=9, width=14)
    mixed, soft = Mix(**settings)(images, targets, generator=generator)
    assert mixed.shape == images.shape
    assert mixed.dtype == images.dtype
    assert mixed.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(soft.sum(1), torch.ones(count))
    assert bool((soft >= 0).all())


@pytest.mark.parametrize("settings", SETTINGS)
def test_same_generator_same_result_and_input_untouched(settings):
    images, targets = make_batch(32)
    before = images.clone(), targets.clone()
    first, second = (
        Mix(**settings)(images, targets, generator=torch.Generator().manual_seed(7))
        for _ in range(2)
    )
    other = Mix(**settings)(images, targets, generator=torch.Generator().manual_seed(8))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(images, before[0])
    assert torch.equal(targets, before[1])


def test_mixup_blends_each_image_with_its_partner_by_its_own_share():
    images, targets = make_batch(3)
    partners, shares = torch.tensor([2, 0, 1]), torch.tensor([0.25, 1.0, 0.0])
    mixed, soft = mixup(images, targets, partners, shares)
    torch.testing.assert_close(mixed[0], 0.25 * images[0] + 0.75 * images[2])
    torch.testing.assert_close(soft[0], 0.25 * targets[0] + 0.75 * targets[2])
    assert torch.equal(mixed[1], images[1])
    assert torch.equal(mixed[2], images[1])
    assert torch.equal(soft[2], targets[1])


def test_cutmix_pastes_a_box_of_the_partner_and_targets_follow_its_area():
    images, targets = make_batch(2, height=8, width=10)
    rows, columns = torch.tensor([[2, 6], [0, 0]]), torch.tensor([[5, 10], [0, 3]])
    mixed, soft = cutmix(images, targets, torch.tensor([1, 0]), rows, columns)
    expected = images[0].clone()
    expected[:, 2:6, 5:10] = images[1, :, 2:6, 5:10]
    assert torch.equal(mixed[0], expected)
    torch.testing.assert_close(soft[0], 0.75 * targets[0] + 0.25 * targets[1])
    assert torch.equal(mixed[1], images[1])
    assert torch.equal(soft[1], targets[1])


def test_labels_of_cutmix_state_the_share_of_pixels_that_come_from_each_image(generator):
    # Image k is flat of value k and has class k, so the pixels of a mixture count its sources.
    count, height, width = 48, 12, 20
    images = torch.arange(count).float().view(-1, 1, 1, 1).expand(count, 3, height, width)
    mixed, soft = Mix(cutmix=1.0)(images, torch.eye(count), generator=generator)
    for image, target in zip(mixed[:, 0].long(), soft, strict=True):
        pixels = torch.bincount(image.reshape(-1), minlength=count)
        torch.testing.assert_close(target, pixels / (height * width))
    assert len({round(share, 6) for share in soft.diagonal().tolist()}) > 20


def test_with_both_set_each_image_undergoes_exactly_one(generator):
    count = 400
    images = torch.arange(count).float().view(-1, 1, 1, 1).expand(count, 3, 16, 16)
    mixed, _ = Mix(mixup=1.0, cutmix=1.0)(images, torch.eye(count), generator=generator)
    whole = (mixed == mixed.round()).flatten(1).all(1)  # only blends have fractions
    assert 150 < whole.sum() < 260
    blended = mixed[~whole].flatten(1)
    assert torch.equal(blended, blended[:, :1].expand_as(blended)), "blends carry no box"


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha, generator):
    shares = draw_shares(40_000, alpha=alpha, generator=generator).double()
    assert 0 <= shares.min() <= shares.max() <= 1
    assert abs(shares.mean().item() - 0.5) < 0.01
    assert abs(shares.var().item() - 1 / (4 * (2 * alpha + 1))) < 0.005


def test_boxes_cover_the_area_that_shares_leave_before_clipping(generator):
    shares = torch.linspace(0, 1, 2000)
    rows, columns = draw_boxes(shares, height=32, width=64, generator=generator)
    heights, widths = (edges[:, 1] - edges[:, 0] for edges in (rows, columns))
    scale = np.sqrt(1 - shares.numpy().astype(np.float64))
    whole = (rows[:, 0] > 0) & (rows[:, 1] < 32) & (columns[:, 0] > 0) & (columns[:, 1] < 64)
    assert whole.sum() > 100
    assert np.abs(heights.numpy() - scale * 32)[whole].max() <= 1
    assert np.abs(widths.numpy() - scale * 64)[whole].max() <= 1
    assert 0 <= rows.min() <= rows.max() <= 32
    assert 0 <= columns.min() <= columns.max() <= 64
    assert len(torch.unique(rows[:, 0])) > 20


def test_off_changes_nothing(generator):
    images, targets = make_batch(4)
    mixed, soft = Mix()(images, targets, generator=generator)
    assert torch.equal(mixed, images)
    assert torch.equal(soft, targets)


@pytest.mark.parametrize("settings", [{"mixup": -0.1}, {"cutmix": float("nan")}])
def test_an_alpha_out_of_range_is_refused(settings):
    with pytest.raises(ValueError, match="must be 0"):
        Mix(**settings)
