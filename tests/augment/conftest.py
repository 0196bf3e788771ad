"""Synthetic batches and the comparison with Pillow that the tests of this folder share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

SIZES = [(32, 32), (23, 40), (2, 5), (1, 1)]


def make_images(count: int, *, height: int = 32, width: int = 32, seed: int = 0) -> Tensor:
    """`(count, 3, H, W)` uint8, channels-last: noise, ramps, edges, flat and nearly flat images."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width][..., None]
    batch = np.empty((count, height, width, 3), dtype=np.uint8)
    for number in range(count):
        low = rng.integers(0, 200, 3)
        kinds = (
            lambda: rng.integers(0, 256, (height, width, 3)),
            lambda low=low: low + x * rng.uniform(0, 5, 3) + y * rng.uniform(-3, 3, 3),
            lambda low=low: np.where(x > y, low, rng.integers(0, 256, 3)),
            lambda low=low: low + 0 * x,
            lambda low=low: low + rng.integers(0, 9, (height, width, 3)),
            lambda: 255 * ((x + y) % 2) + rng.integers(-20, 20, (height, width, 3)),
        )
        batch[number] = np.clip(kinds[number % len(kinds)]() + 0 * y, 0, 255)
    return torch.from_numpy(batch).permute(0, 3, 1, 2)


def assert_equals_pillow(
    result: Tensor, images: Tensor, reference: Callable[..., Image.Image], *parameters: Tensor
) -> None:
    """Compare with `reference` applied to one image at a time; not a single level may differ."""
    expected = []
    for number, image in enumerate(images):
        picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
        values = [parameter[number].item() for parameter in parameters]
        expected.append(np.asarray(reference(picture, *values)))
    assert result.dtype == torch.uint8
    assert result.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(result.permute(0, 2, 3, 1).numpy(), np.stack(expected))


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def images(request: pytest.FixtureRequest) -> Tensor:
    height, width = request.param
    return make_images(96, height=height, width=width)


@pytest.fixture(name="make_images")
def make_images_fixture() -> Callable[..., Tensor]:
    return make_images


@pytest.fixture(name="assert_equals_pillow")
def assert_equals_pillow_fixture() -> Callable[..., None]:
    return assert_equals_pillow


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)
