"""Pictures inside a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def png_bytes(pixels: NDArray[np.uint8], *, made_by: str = "") -> bytes:
    """(H, W, 3) or (H, W, 4) pixels as the content of a PNG file.

    Args:
        pixels: The picture.
        made_by: What its metadata say of the program; empty: nothing.
    """
    file, facts = io.BytesIO(), PngInfo()
    if made_by:
        facts.add_text("Software", made_by)
    Image.fromarray(pixels).save(file, "PNG", pnginfo=facts)
    return file.getvalue()


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """(H, W, 3) or (H, W, 4) pixels as a PNG inside an address."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode()
