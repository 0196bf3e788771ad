"""Keeps freed memory in the process, so that each step reuses the blocks of the previous one."""

from __future__ import annotations

import ctypes
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
