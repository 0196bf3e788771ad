import numpy as np
import pytest
import torch

from thriftnet.augment import normalise

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2471, 0.2435, 0.2616)


def test_equals_the_definition_in_double_precision(images):
    result = normalise(images, mean=MEAN, std=STD)
    mean, std = (np.array(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    expected = (images.numpy() / 255 - mean) / std
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-6)
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_takes_any_memory_format(make_images):
    images = make_images(4)
    planar = images.contiguous()
    assert not planar.is_contiguous(memory_format=torch.channels_last)
    result = normalise(planar, mean=MEAN, std=STD)
    assert torch.equal(result, normalise(images, mean=MEAN, std=STD))
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 3, 4, 4),
        torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.zeros(2, 4, 4, 3, dtype=torch.uint8),
    ],
    ids=["float", "no batch", "channels at the end"],
)
def test_other_shapes_and_types_are_refused(images):
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\) uint8"):
        normalise(images, mean=MEAN, std=STD)
