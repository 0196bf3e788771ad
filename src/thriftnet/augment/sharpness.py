"""Sharpness: a blend of each image with a smoothed version of itself."""

from torch import Tensor

from thriftnet.augment.colour import blend
from thriftnet.augment.layout import from_planes, per_image, to_planes


def adjust_sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its smoothed version, as Pillow's `ImageEnhance.Sharpness` does.

    Args:
        images: `(N, 3, H, W)` uint8.
        factors: `(N,)`, at least 0; 0 smooths, 1 keeps, 2 sharpens.

    Returns:
        `(N, 3, H, W)` uint8, channels-last.
    """
    planes = to_planes(images)
    return from_planes(blend(planes, _smooth(planes), per_image(factors, images)))


def _smooth(planes: Tensor) -> Tensor:
    """Average 3×3 with weight 5 on the centre (sum 13), rounded; the border stays as it is."""
    smooth = planes.clone()
    height, width = planes.shape[2:]
    if height < 3 or width < 3:
        return smooth
    rows = planes[:, :, :-2] + planes[:, :, 1:-1] + planes[:, :, 2:]
    total = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    total += 4 * planes[:, :, 1:-1, 1:-1]
    # Sums are whole numbers and 13 is odd: no rounding tie exists, so single precision is exact.
    smooth[:, :, 1:-1, 1:-1] = (total / 13).add_(0.5).floor_()
    return smooth
