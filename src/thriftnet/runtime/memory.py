"""Memory of the process: freed blocks that are kept for the next step, and too little of it."""

from __future__ import annotations

import ctypes
import errno
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Options of mallopt(3)."""


def keep_freed_memory() -> None:
    """Keep glibc from returning freed blocks to the system; no effect elsewhere.

    By default every large activation is mapped and unmapped, so that each step touches thousands of
    fresh pages that the kernel has to zero: 10% of a training step of `quick`. All threads share
    one arena, as other arenas are limited to 64 MiB per block and do not share freed blocks. The
    process keeps its peak memory.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, -1)


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether an exception says that there is not enough memory, of the machine or a device."""
    if isinstance(fault, MemoryError) or getattr(fault, "errno", None) == errno.ENOMEM:
        return True
    marks = ("out of memory", "allocate memory", "not enough memory", "bad_alloc")
    return isinstance(fault, RuntimeError) and any(mark in str(fault) for mark in marks)
