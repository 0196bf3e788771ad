"""Picture inputs of every kind, converted to pixels of the network's size."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from thriftnet.data.decode import decode_image, decode_picture, read_image
from thriftnet.data.options import Fit
from thriftnet.data.pictures import walk_images
from thriftnet.data.square import square_array
from thriftnet.errors import DataError, ImageError
from thriftnet.runtime.silence import silent_pillow

Picture = Path | str | bytes | bytearray | memoryview | Image.Image | NDArray[np.uint8] | Tensor
"""A file's path or content, a Pillow image, or pixels: an (H, W), (H, W, 1), (H, W, 3) or
(H, W, 4) uint8 array, or a tensor, channels first or last."""

ONE_PICTURE = (str, Path, bytes, bytearray, memoryview, Image.Image)
"""Types that are always one picture; an array may be a batch."""
_CHANNELS = (1, 3, 4)
_LOADING = tuple(threading.Lock() for _ in range(16))
"""Each for some Pillow images: the first use of one reads its file, by one thread at a time."""


class NamedPicture(NamedTuple):
    """A picture and its name in messages."""

    name: str
    """The path as given, or `picture 3` if it is not a file."""
    content: Any
    path: Path | None


def name_pictures(pictures: Iterable[Picture]) -> Iterator[NamedPicture]:
    """Name each picture; a folder yields all pictures in it.

    Raises:
        DataError: A folder holds no picture or cannot be read, or a path is empty.
    """
    for number, picture in enumerate(pictures, start=1):
        if not isinstance(picture, str | Path):
            yield NamedPicture(f"picture {number}", picture, None)
            continue
        if picture == "":
            raise DataError(f"the path of picture {number} is empty; give that of an image")
        path = Path(picture)
        for file in walk_images(path) if path.is_dir() else (path,):
            yield NamedPicture(str(file), file, file)


def to_pixels(picture: NamedPicture, *, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Convert a picture of any kind and size to pixels.

    Args:
        picture: Any kind of `Picture`.
        size: Height and width to return.
        fit: How a picture becomes square: `crop`, `pad` or `squash`.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ImageError: It cannot be read as one picture, or has an unsupported type.
    """
    name, content, path = picture
    if path is not None:
        return read_image(path, size=size, fit=fit)
    with silent_pillow():
        if isinstance(content, bytes | bytearray | memoryview):
            return decode_image(bytes(content), name=name, size=size, fit=fit).pixels
        if isinstance(content, Image.Image):
            with _LOADING[id(content) // 64 % len(_LOADING)]:
                return decode_picture(content, name=name, size=size, fit=fit).pixels
        return square_array(_as_array(name, content), size=size, fit=fit)


def _as_array(name: str, content: Any) -> NDArray[np.uint8]:
    """Pixels as (H, W) or (H, W, channels).

    Raises:
        ImageError: The shape, dtype or type is not supported.
    """
    if not isinstance(content, Tensor | np.ndarray):
        kind = type(content).__name__
        raise ImageError(f"{name} is a {kind}; give a path, bytes, a Pillow image or uint8 pixels")
    shape = tuple(content.shape)
    first = isinstance(content, Tensor) and len(shape) == 3 and shape[2] not in _CHANNELS
    fitting = len(shape) == 2 or (len(shape) == 3 and shape[0 if first else 2] in _CHANNELS)
    if not fitting or str(content.dtype) not in {"uint8", "torch.uint8"} or 0 in shape:
        raise ImageError(
            f"{name} is {shape} {content.dtype}; give (H, W, 3) uint8 pixels of 0 to 255"
        )
    array = content.detach().cpu().numpy() if isinstance(content, Tensor) else content
    return array.transpose(1, 2, 0) if first else array
