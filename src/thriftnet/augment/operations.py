"""The operations of augmentation policies, and applying a different one to each image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from thriftnet.augment.affine import rotate, shear_x, shear_y, translate_x, translate_y
from thriftnet.augment.colour import adjust_brightness, adjust_contrast, adjust_saturation
from thriftnet.augment.layout import from_nhwc, to_nhwc
from thriftnet.augment.sharpness import adjust_sharpness
from thriftnet.augment.tone import autocontrast, equalize, invert, posterize, solarize
from thriftnet.runtime.device import to_device

Operation = Callable[[Tensor, Tensor], Tensor]

OPERATIONS: dict[str, Operation] = {
    "Identity": lambda images, _: images,
    "ShearX": shear_x,
    "ShearY": shear_y,
    "TranslateX": translate_x,
    "TranslateY": translate_y,
    "Rotate": rotate,
    "Brightness": lambda images, magnitudes: adjust_brightness(images, 1 + magnitudes),
    "Color": lambda images, magnitudes: adjust_saturation(images, 1 + magnitudes),
    "Contrast": lambda images, magnitudes: adjust_contrast(images, 1 + magnitudes),
    "Sharpness": lambda images, magnitudes: adjust_sharpness(images, 1 + magnitudes),
    "Posterize": lambda images, magnitudes: posterize(images, magnitudes.round().long()),
    "Solarize": solarize,
    "AutoContrast": lambda images, _: autocontrast(images),
    "Equalize": lambda images, _: equalize(images),
    "Invert": lambda images, _: invert(images),
}
NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}


def apply_operations(images: Tensor, numbers: Tensor, magnitudes: Tensor) -> Tensor:
    """Apply a different operation and magnitude to each image.

    Args:
        images: `(N, 3, H, W)` uint8.
        numbers: `(N,)` int64, positions in `OPERATIONS`.
        magnitudes: `(N,)` float64, in the unit of each operation.

    Returns:
        `(N, 3, H, W)` uint8, channels-last.
    """
    return apply_each(images, list(OPERATIONS.values()), numbers, magnitudes)


def apply_each(
    images: Tensor,
    operations: Sequence[Callable[..., Tensor]],
    numbers: Tensor,
    *parameters: Tensor,
) -> Tensor:
    """Apply to each image the operation of its number.

    Args:
        images: `(N, 3, H, W)` uint8.
        operations: each takes `(n, 3, H, W)` uint8 and n of every parameter.
        numbers: `(N,)` int64, positions in `operations`.
        parameters: `(N,)` each.

    Returns:
        `(N, 3, H, W)` uint8, channels-last.
    """
    # Sort the batch by operation, apply each to its slice, then undo the sorting.
    numbers = numbers.cpu()
    order = numbers.argsort(stable=True)
    counts: list[int] = torch.bincount(numbers, minlength=len(operations)).tolist()
    pixels = to_nhwc(images).index_select(0, to_device(order, images.device))
    sorted_ = [each.cpu()[order].split(counts) for each in parameters]
    done = [
        to_nhwc(operation(from_nhwc(part), *values)) if len(part) else part
        for operation, part, *values in zip(operations, pixels.split(counts), *sorted_, strict=True)
    ]
    return from_nhwc(torch.cat(done).index_select(0, to_device(order.argsort(), images.device)))
