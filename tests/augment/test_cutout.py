import pytest
import torch

from thriftnet.augment.cutout import cutout_, draw_centres


@pytest.mark.parametrize("side", [1, 3, 8, 16, 50])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (11, 17)])
def test_blanks_exactly_the_square_around_each_centre(generator, side, height, width):
    count = 64
    images = torch.ones(count, 3, height, width).contiguous(memory_format=torch.channels_last)
    rows, columns = draw_centres(count, height=height, width=width, generator=generator)
    result = cutout_(images, rows, columns, side=side)
    expected = torch.ones(count, 3, height, width)
    for number, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        top, left = row - side // 2, column - side // 2
        expected[number, :, max(top, 0) : top + side, max(left, 0) : left + side] = 0
    assert torch.equal(result, expected)
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_squares_hang_over_the_border_where_the_centre_is_near_it():
    images = torch.ones(3, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    centres = torch.tensor([16, 0, 31])
    zeroed = (cutout_(images, centres, centres, side=8) == 0).sum(dim=(2, 3))[:, 0]
    assert zeroed.tolist() == [64, 16, 25]


def test_centres_are_uniform_over_the_image(generator):
    rows, columns = draw_centres(64_000, height=8, width=4, generator=generator)
    cells = torch.bincount(rows * 4 + columns, minlength=32)
    assert len(cells) == 32
    assert ((cells - 2000) ** 2 / 2000).sum().item() < 61.1  # 99.9th percentile, 31 degrees
