"""Bytes between a test and a page in a browser."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES_OF = "const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
"""A script that undoes `text_of`."""


def text_of(content: bytes | NDArray[Any]) -> str:
    """Bytes as they are handed to a page."""
    return base64.b64encode(content if isinstance(content, bytes) else content.tobytes()).decode()


def bytes_of(text: str, *shape: int) -> NDArray[np.uint8]:
    """Bytes as a page hands them out, by `btoa`."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)
