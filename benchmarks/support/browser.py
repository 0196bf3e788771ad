"""A headless Chromium, and bytes between Python and its pages."""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright

BYTES_OF = "const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
"""A script that undoes `text_of`."""


@contextmanager
def chromium(*options: str, shell: bool = False) -> Generator[Browser]:
    """Run this machine's Chromium while the block lasts.

    Args:
        options: Of its command line.
        shell: Prefer its headless shell, where that is installed: the same engine without windows,
            profiles and extensions. To open a report in a new context takes it 0.5 processor
            seconds, where the browser that people use takes 1.5.

    Raises:
        SystemExit: There is none.
    """
    names = [*(["chromium-headless-shell"] if shell else []), "chromium", "chromium-browser"]
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        sys.exit("there is no chromium; install it with: apt-get install -y chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", *options]
        browser = playwright.chromium.launch(
            executable_path=program,
            args=arguments,
            timeout=120_000,  # milliseconds; a busy machine takes over half a minute
        )
        yield browser
        browser.close()


def text_of(content: bytes | NDArray[Any]) -> str:
    """Encode bytes for a page."""
    return base64.b64encode(content if isinstance(content, bytes) else content.tobytes()).decode()


def bytes_of(text: str, *shape: int) -> NDArray[np.uint8]:
    """Decode bytes that a page encoded with `btoa`."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)
