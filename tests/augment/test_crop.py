import numpy as np
import pytest
import torch

from thriftnet.augment.crop import crop, draw_offsets


def padded_crop(image, row, column, padding, mode):
    """Plain NumPy reference for one `(3, H, W)` image."""
    _, height, width = image.shape
    sides = ((0, 0), (padding, padding), (padding, padding))
    padded = np.pad(image, sides, mode="constant" if mode == "zero" else "reflect")
    return padded[:, row : row + height, column : column + width]


@pytest.mark.parametrize("mode", ["zero", "reflect"])
@pytest.mark.parametrize(
    ("height", "width", "padding"), [(32, 32, 4), (9, 14, 8), (3, 2, 1), (5, 5, 0)]
)
def test_equals_numpy_at_every_offset(make_images, mode, height, width, padding):
    side = 2 * padding + 1
    images = make_images(side * side, height=height, width=width)
    offsets = torch.cartesian_prod(torch.arange(side), torch.arange(side))
    result = crop(images, offsets, padding=padding, mode=mode)
    expected = [
        padded_crop(image, int(row), int(column), padding, mode)
        for image, (row, column) in zip(images.numpy(), offsets, strict=True)
    ]
    np.testing.assert_array_equal(result.numpy(), np.stack(expected))
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_zero_padding_may_exceed_the_image(make_images):
    images = make_images(3, height=2, width=3)
    offsets = torch.tensor([[0, 0], [5, 5], [10, 10]])
    result = crop(images, offsets, padding=5, mode="zero")
    assert torch.equal(result[1], images[1])
    assert not result[0].any()
    assert not result[2].any()


def test_offsets_are_uniform_and_rows_independent_of_columns(generator):
    count = 81_000
    offsets = draw_offsets(count, padding=4, generator=generator)
    cells = torch.bincount(offsets[:, 0] * 9 + offsets[:, 1], minlength=81)
    chi_square = ((cells - count / 81) ** 2 / (count / 81)).sum().item()
    assert len(cells) == 81
    assert chi_square < 124.8  # 99.9th percentile with 80 degrees of freedom


def test_reflection_past_the_far_side_is_refused(make_images):
    with pytest.raises(ValueError, match="must be smaller than the image"):
        crop(make_images(1, height=4, width=9), torch.zeros(1, 2).long(), padding=4, mode="reflect")


@pytest.mark.parametrize("offset", [-1, 9])
def test_offsets_outside_the_padded_image_are_refused(make_images, offset):
    with pytest.raises(ValueError, match="0 to 8"):
        crop(make_images(1), torch.tensor([[4, offset]]), padding=4, mode="zero")
