"""Operations on levels: posterize, solarize, invert, autocontrast, equalize; as `PIL.ImageOps`."""

import torch
from torch import Tensor

from thriftnet.augment.layout import from_planes, per_image
from thriftnet.runtime.device import to_device


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` (`(N,)` int64, 1 to 8) of every level of `(N, 3, H, W)` uint8."""
    masks = to_device(256 - 2 ** (8 - bits), images.device, torch.uint8)
    return images & masks.view(-1, 1, 1, 1)


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Invert levels at or above `thresholds` (`(N,)`, 0 to 256) of `(N, 3, H, W)` uint8."""
    return torch.where(images < per_image(thresholds, images), images, 255 - images)


def invert(images: Tensor) -> Tensor:
    """Subtract every level of `(N, 3, H, W)` uint8 from 255."""
    return 255 - images


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel of each image to span 0 to 255; flat channels stay as they are.

    Args:
        images: `(N, 3, H, W)` uint8.
    """
    planes = images.contiguous()
    # Pillow computes its table in double precision, which Apple's GPUs lack.
    device = torch.device("cpu") if images.device.type == "mps" else images.device
    low = planes.amin(dim=(2, 3)).to(device).double()[..., None]
    high = planes.amax(dim=(2, 3)).to(device).double()[..., None]
    levels = torch.arange(256, dtype=torch.float64, device=device)
    # Tensor by tensor: `255 / tensor` multiplies by a reciprocal, which rounds once more.
    scale = levels[-1] / (high - low)
    stretched = levels * scale + -low * scale
    # A flat channel divides by zero; its table is replaced below.
    table = torch.where(high > low, stretched, levels).clamp(0, 255).to(torch.uint8)
    return _look_up(table.to(images.device), _level_index(planes), images)


def equalize(images: Tensor) -> Tensor:
    """Spread the levels of each channel of each image evenly over 0 to 255.

    Args:
        images: `(N, 3, H, W)` uint8.
    """
    planes = images.contiguous()
    count, channels, height, width = planes.shape
    index = _level_index(planes)
    # `bincount` would wait for an accelerator, to learn the highest index.
    histogram = index.new_zeros(count * channels * 256)
    histogram.index_add_(0, index.view(-1), histogram.new_ones(1).expand(index.numel()))
    histogram = histogram.view(count, channels, 256)
    brightest = planes.amax(dim=(2, 3)).long()[..., None]
    step = (height * width - histogram.gather(2, brightest)) // 255
    below = histogram.cumsum(2) - histogram
    table = (step // 2 + below) // step.clamp(min=1)
    levels = torch.arange(256, device=images.device)
    table = torch.where(step > 0, table.clamp(max=255), levels).to(torch.uint8)
    return _look_up(table, index, images)


def _level_index(planes: Tensor) -> Tensor:
    """Index of each pixel's level in a table per image and channel: `(N, 3, H, W)` int64."""
    count, channels = planes.shape[:2]
    first = torch.arange(count * channels, device=planes.device) * 256
    return planes.long() + first.view(count, channels, 1, 1)


def _look_up(table: Tensor, index: Tensor, images: Tensor) -> Tensor:
    """Replace levels by entries of `table` `(N, 3, 256)` uint8; channels-last."""
    return from_planes(table.view(-1).index_select(0, index.view(-1)).view(images.shape))
