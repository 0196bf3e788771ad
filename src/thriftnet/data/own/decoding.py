"""Decodes the pictures of an index in parallel."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.decode import Decoded, decode_image
from thriftnet.data.index import Index, Raw
from thriftnet.data.options import Fit
from thriftnet.data.pictures import special_kind
from thriftnet.data.square import square_array
from thriftnet.data.statistics import channel_sums
from thriftnet.errors import DataError, ImageError
from thriftnet.files import open_regular
from thriftnet.phases import are_shown
from thriftnet.runtime.processors import processors
from thriftnet.runtime.silence import silent_pillow

DIGEST_BYTES = 16
_MOST_BYTES = 2**28
"""Largest file of a picture."""
_AT_ONCE = 16
"""Pictures per task; at most two tasks per thread are pending."""
_ATTEMPTS = 3
_SAY_EVERY_SECONDS = 5.0


class DecodedPicture(NamedTuple):
    """A decoded picture."""

    pixels: NDArray[np.uint8]
    """(size, size, 3) RGB."""
    width: int
    """Width in pixels of the upright picture before resizing."""
    height: int
    digest: bytes
    """First `DIGEST_BYTES` bytes of the SHA-256 of its file, or of its pixels in an array."""
    sums: NDArray[np.int64]
    """(6,) sums of the red, green and blue values, then of their squares."""


def decode_all(
    index: Index, *, size: int, fit: Fit, say: Callable[[str], None]
) -> Generator[DecodedPicture | str]:
    """Decode every picture of an index in order, in threads (Pillow releases the GIL).

    Args:
        index: The pictures.
        size: Height and width of the results, in pixels.
        fit: How pictures are made square.
        say: Called with a line of progress at a time where no phases are shown.

    Yields:
        The picture of each entry, or why it cannot be decoded.
    """
    threads = processors()
    Image.init()  # not thread-safe on first use
    waiting: deque[Future[list[DecodedPicture | str]]] = deque()
    last_said, done, count = time.monotonic(), 0, len(index.entries)
    raws = _raws(index)
    with silent_pillow(), ThreadPoolExecutor(threads) as pool:
        try:
            while some := list(itertools.islice(raws, _AT_ONCE)):
                waiting.append(pool.submit(_decode_some, some, size, fit))
                if len(waiting) > 2 * threads:
                    yield from waiting.popleft().result()
                    done += _AT_ONCE
                if not are_shown() and time.monotonic() - last_said > _SAY_EVERY_SECONDS:
                    last_said = time.monotonic()
                    say(f"decoded {done:,} of {count:,} pictures")
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _raws(index: Index) -> Iterator[tuple[Raw, str]]:
    """Every undecoded picture, with its name.

    Raises:
        DataError: A file with many pictures has changed since it was indexed.
    """
    pictures = index.pictures(index.entries)
    for entry in index.entries:
        raw = next(pictures, None)
        if raw is None:
            raise changed(index, entry.origin.path)
        yield raw, str(entry.origin)
    next(pictures, None)  # a file's checksum comes after its last picture


def check_unchanged(index: Index) -> None:
    """Check that files with many pictures have not changed since they were indexed.

    Raises:
        DataError: One has changed.
    """
    if index.read is None:  # a picture's own file is looked at as it is read
        return
    for path in {entry.origin.path for entry in index.entries}:
        known = index.stamps.pop(path, None)
        if known is not None and index.stamp(path) != known:
            raise changed(index, path)


def changed(index: Index, path: str) -> DataError:
    """The error of a file that was written to while it was read."""
    return DataError(
        f"{index.root / path} changed while it was read; start again when it is complete"
    )


def _decode_some(some: list[tuple[Raw, str]], size: int, fit: Fit) -> list[DecodedPicture | str]:
    return [_decode(raw, name, size, fit) for raw, name in some]


def _decode(raw: Raw, name: str, size: int, fit: Fit) -> DecodedPicture | str:
    if isinstance(raw, np.ndarray):
        content = np.ascontiguousarray(raw).data
        found = Decoded(square_array(raw, size=size, fit=fit), raw.shape[1], raw.shape[0])
    else:
        try:
            content = raw if isinstance(raw, bytes) else _read_still(Path(raw))
            if not content:
                return "an empty file" if isinstance(raw, str) else "no picture"
            found = decode_image(content, name=name, size=size, fit=fit)
        except ImageError as fault:
            return str(fault).removeprefix(f"{name} ").removeprefix("is ")
        except OSError as fault:
            kind = special_kind(raw) if isinstance(raw, str) else None
            return f"{kind}, not a file" if kind else f"cannot be read ({fault.strerror or fault})"
    digest = hashlib.sha256(content).digest()[:DIGEST_BYTES]
    sums = channel_sums(found.pixels[None])[0]
    return DecodedPicture(found.pixels, found.width, found.height, digest, sums)


def _read_still(path: Path) -> bytes:
    """The content of a file, read again if it changes meanwhile.

    Raises:
        OSError: It cannot be read or is not a regular file.
        ImageError: It is too large or keeps changing.
    """
    for _ in range(_ATTEMPTS):
        with open_regular(path) as file:
            before = os.fstat(file.fileno())
            content = file.read(_MOST_BYTES + 1)
            after = os.fstat(file.fileno())
        if len(content) > _MOST_BYTES:
            raise ImageError(f"has more than {_MOST_BYTES // 2**20} MB; make it smaller")
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if same and len(content) == after.st_size:
            return content
    raise ImageError("changes while it is read; start again when it is complete")
