"""Brightness, contrast and saturation, and the three in random order (colour jitter).

Each blends an image with a degenerate version of itself, as Pillow's `ImageEnhance` does: factor 0
is the degenerate, 1 the image, more than 1 exaggerates. Results equal Pillow's to the bit where
the processor multiplies and adds in two roundings, as x86-64 builds of Pillow do.
"""

import torch
from torch import Tensor

from thriftnet.augment.layout import from_planes, per_image, to_planes

BRIGHTNESS, CONTRAST, SATURATION = 0, 1, 2


def blend(planes: Tensor, degenerate: Tensor, factors: Tensor) -> Tensor:
    """Compute degenerate + factor · (planes − degenerate), clipped and cut to whole numbers.

    Args:
        planes: `(N, 3, H, W)` float32 of whole numbers 0 to 255.
        degenerate: the same, or anything that broadcasts to it.
        factors: `(N, 1, 1, 1)` float32, at least 0.
    """
    # Pillow computes in single precision with one rounding an operation; so do these four steps.
    # `lerp` and `addcmul` may fuse two roundings into one and miss it by a level.
    # Cutting off the fraction is `floor_` here, which unlike `trunc_` is vectorised.
    return (planes - degenerate).mul_(factors).add_(degenerate).clamp_(0, 255).floor_()


def grey(planes: Tensor) -> Tensor:
    """Compute luma as Pillow's conversion to mode L does (ITU-R 601-2): `(N, 1, H, W)` float32."""
    red, green, blue = planes.split(1, dim=1)
    # 16-bit fixed point; every product and sum is a whole number below 2²⁴, exact in float32.
    luma = (red * 19595).add_(green * 38470).add_(blue * 7471).add_(32768)
    return luma.mul_(1 / 65536).floor_()


def mean_grey(luma: Tensor) -> Tensor:
    """Average luma over each image, rounded half up: `(N, 1, 1, 1)` float32."""
    pixels = luma.shape[2] * luma.shape[3]
    # Sums of one row are exact in float32; sums of a large image are not.
    total = luma.sum(dim=3, keepdim=True).sum(dim=(1, 2), keepdim=True, dtype=torch.int64)
    return ((2 * total + pixels) // (2 * pixels)).float()


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with black; `images` `(N, 3, H, W)` uint8, `factors` `(N,)`."""
    planes = to_planes(images)
    return from_planes(blend(planes, planes.new_zeros(()), per_image(factors, images)))


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its mean grey; `images` `(N, 3, H, W)` uint8, `factors` `(N,)`."""
    planes = to_planes(images)
    return from_planes(blend(planes, mean_grey(grey(planes)), per_image(factors, images)))


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its grey version; `images` `(N, 3, H, W)` uint8, `factors` `(N,)`."""
    planes = to_planes(images)
    return from_planes(blend(planes, grey(planes), per_image(factors, images)))


def draw_jitter(
    count: int,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw factors and the order of the three adjustments, image by image.

    Args:
        count: images.
        brightness: strength; factors are uniform on max(0, 1 − strength) to 1 + strength.
        contrast: likewise.
        saturation: likewise.
        generator: a CPU generator.

    Returns:
        Order `(count, 3)` int64, each row a permutation of BRIGHTNESS, CONTRAST, SATURATION, and
        factors `(count, 3)` float32 in the columns of those names.
    """
    strengths = torch.tensor([brightness, contrast, saturation])
    low = (1 - strengths).clamp(min=0)
    factors = low + torch.rand(count, 3, generator=generator) * (1 + strengths - low)
    order = torch.rand(count, 3, generator=generator).argsort(dim=1)
    return order, factors


def jitter(images: Tensor, order: Tensor, factors: Tensor) -> Tensor:
    """Adjust brightness, contrast and saturation, each image in its own order.

    Args:
        images: `(N, 3, H, W)` uint8.
        order: `(N, 3)` int64, first to last, as `draw_jitter` returns it.
        factors: `(N, 3)` float32 in the columns BRIGHTNESS, CONTRAST, SATURATION.

    Returns:
        `(N, 3, H, W)` uint8, channels-last.
    """
    planes = to_planes(images)
    in_order = factors.gather(1, order)
    for position in range(3):
        kind = order[:, position]
        luma = grey(planes)
        # The three differ in the degenerate alone, so one blend serves the whole batch: luma
        # where saturation is due, its mean where contrast is, zero where brightness is.
        average = mean_grey(luma) * per_image(kind == CONTRAST, images)
        degenerate = luma.mul_(per_image(kind == SATURATION, images)).add_(average)
        planes = blend(planes, degenerate, per_image(in_order[:, position], images))
    return from_planes(planes)
