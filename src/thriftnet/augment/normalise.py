"""Converts bytes to normalised floats."""

import torch
from torch import Tensor

from thriftnet.augment.layout import check_images, from_nhwc, to_nhwc
from thriftnet.data.statistics import Triple
from thriftnet.runtime.device import to_device


def normalise(images: Tensor, *, mean: Triple, std: Triple) -> Tensor:
    """Scale bytes to 0–1, subtract `mean` and divide by `std`, channel by channel.

    Args:
        images: `(N, 3, H, W)` uint8.
        mean: of red, green and blue on the 0–1 scale.
        std: of red, green and blue on the 0–1 scale.

    Returns:
        `(N, 3, H, W)` float32, channels-last.

    Raises:
        ValueError: `images` has the wrong shape or dtype.
    """
    check_images(images)
    count, _, height, width = images.shape
    device = images.device
    # x · 1/(255·std) − mean/std with the constants repeated along a row of 3·W values: one pass
    # over long contiguous rows. Broadcasting over an innermost dimension of three is eight times
    # slower on a CPU, and a table of 256 × 3 floats sixty times.
    scale = to_device(torch.tensor([1 / (255 * s) for s in std]), device).repeat(width)
    shift = to_device(torch.tensor([-m / s for m, s in zip(mean, std, strict=True)]), device)
    rows = to_nhwc(images).view(count * height, width * 3)
    normalised = rows.float().mul_(scale).add_(shift.repeat(width))
    return from_nhwc(normalised.view(count, height, width, 3))
