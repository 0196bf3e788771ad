"""Keep freed memory, so that each step finds the blocks of the one before."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Options of mallopt(3)."""


def keep_freed_memory() -> None:
    """Tell glibc's allocator not to give freed blocks back to the system; nothing elsewhere.

    By default every large activation is mapped anew and unmapped when freed, so that each step
    touches thousands of fresh pages, which the kernel zeroes one by one: a tenth of the time of
    a training step of `quick`. All threads take from one arena: those of other threads hold no
    block over 64 MiB, and what one thread freed no other finds. The process holds its peak for as
    long as it lives.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, -1)
