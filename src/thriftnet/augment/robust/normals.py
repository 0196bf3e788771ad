"""Normal numbers from a fixed table, from an offset on that is drawn for each image.

A batch of 1,000 images of 32 pixels needs three million numbers. Draws are made on the CPU, also
where an accelerator trains; runs of a table are copied where the images are. The numbers of one
image are independent, and two images share some only if their places are near.
"""

import functools
import math

import torch
from torch import Tensor

from thriftnet.runtime.device import to_device

_COUNT = 2**20


def draw_places(shape: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    """Draw int64 places of the table, uniform."""
    return torch.randint(_COUNT, shape, generator=generator)


def normals(places: Tensor, shape: tuple[int, ...], *, device: torch.device) -> Tensor:
    """Standard normal numbers from each place on.

    Args:
        places: `(N,)` int64.
        shape: of the numbers of one place; at most 2²⁰ numbers.
        device: where they are wanted.

    Returns:
        `(N, *shape)` float32.
    """
    size = math.prod(shape)
    runs = _COUNT - size + 1
    windows = _table(device).as_strided((runs, size), (1, 1))
    return windows.index_select(0, to_device(places % runs, device)).view(len(places), *shape)


@functools.lru_cache(maxsize=4)
def _table(device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(_COUNT, generator=generator).to(device)
