"""Data sets of strangers: refused in one line, in bounded memory."""

from __future__ import annotations

import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        open_dataset(DatasetSpec(source=path, image_size=16), say=lambda _: None)
    assert "\n" not in str(error.value)
    return str(error.value)


@contextmanager
def in_little_memory(megabytes: int = 600) -> Iterator[None]:
    """Let this process have so much more than it has: what asks for more fails at once."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def npz_header(shape: str, kind: str = "|u1") -> bytes:
    """The header of an array in a file of NumPy's."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
