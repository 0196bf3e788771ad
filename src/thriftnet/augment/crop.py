"""Random crops of padded images: shifts by up to the padding in both directions."""

from typing import Literal

import torch
from torch import Tensor

from thriftnet.augment.layout import from_nhwc, to_nhwc
from thriftnet.runtime.device import to_device

CropMode = Literal["zero", "reflect"]


def draw_offsets(count: int, *, padding: int, generator: torch.Generator) -> Tensor:
    """Draw `(count, 2)` int64 crop origins (row, column), uniform on 0 to 2 · `padding`."""
    return torch.randint(2 * padding + 1, (count, 2), generator=generator)


def crop(images: Tensor, offsets: Tensor, *, padding: int, mode: CropMode) -> Tensor:
    """Pad every image, then crop it to its original size at its own offset.

    Args:
        images: `(N, 3, H, W)`.
        offsets: `(N, 2)` int64 row and column of the crop in the padded image; `padding` is the
            centre.
        padding: pixels added on each side.
        mode: "zero" pads with black, "reflect" mirrors without repeating the border pixel.

    Returns:
        `(N, 3, H, W)`, channels-last.

    Raises:
        ValueError: an offset is outside 0 to 2 · `padding`, or the reflection padding is not
            smaller than the image.
    """
    count, _, height, width = images.shape
    offsets = offsets.cpu()
    if bool(((offsets < 0) | (offsets > 2 * padding)).any()):
        raise ValueError(f"crop offsets must lie in 0 to {2 * padding} for padding {padding}")
    if mode == "reflect" and padding >= min(height, width):
        raise ValueError(
            f"reflect padding {padding} must be smaller than the image ({height} by {width}); "
            "lower the padding or pad with zeros"
        )
    canvas = _widen(to_nhwc(images).view(count * height, width, 3), padding=padding, mode=mode)
    rows = _source_rows(offsets[:, 0], height=height, padding=padding, mode=mode)
    starts = (rows * canvas.shape[1] + offsets[:, 1:]).view(-1)
    # A view of all overlapping runs of W pixels: selecting runs copies whole rows of bytes.
    runs = canvas.shape[0] * canvas.shape[1] - width + 1
    windows = canvas.view(-1).as_strided((runs, width * 3), (3, 1))
    cut = windows.index_select(0, to_device(starts, images.device))
    return from_nhwc(cut.view(count, height, width, 3))


def _widen(rows: Tensor, *, padding: int, mode: CropMode) -> Tensor:
    """Pad rows `(R, W, 3)` left and right and add a black row: `(R + 1, W + 2·padding, 3)`."""
    width = rows.shape[1]
    canvas = rows.new_zeros(rows.shape[0] + 1, width + 2 * padding, 3)
    canvas[:-1, padding : padding + width] = rows
    if mode == "reflect":
        for distance in range(1, padding + 1):
            canvas[:-1, padding - distance] = rows[:, distance]
            canvas[:-1, padding + width - 1 + distance] = rows[:, width - 1 - distance]
    return canvas


def _source_rows(offsets: Tensor, *, height: int, padding: int, mode: CropMode) -> Tensor:
    """Find the canvas row of each output row, `(N, H)`; the black row lies after all others."""
    count = len(offsets)
    y = offsets[:, None] - padding + torch.arange(height)
    first = torch.arange(count)[:, None] * height
    if mode == "zero":
        return torch.where((y >= 0) & (y < height), first + y, count * height)
    y = y.abs()
    return first + torch.where(y >= height, 2 * (height - 1) - y, y)
