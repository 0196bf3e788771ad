"""The CPU threads of a study's trials, recorded because they affect rounding."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator
from pathlib import Path

from thriftnet.runs.folder import RunFolder
from thriftnet.search.space import Space

_MOST = 2**12
"""Limit of threads in a file."""


def trial_threads(path: Path, space: Space) -> int:
    """Threads of a study's trials; for early studies, which did not record them, the most common.

    Args:
        path: The study folder.
        space: Its space.
    """
    if "threads" in space.model_fields_set:
        return space.threads
    counts: Counter[int] = Counter()
    for file in sorted(path.glob("trials/grid/*/environment.json")):
        threads = RunFolder(file.parent).environment().get("threads")
        if isinstance(threads, int) and 0 < threads <= _MOST:
            counts[threads] += 1
    return counts.most_common(1)[0][0] if counts else space.threads


@contextlib.contextmanager
def computing_with(threads: int) -> Generator[None]:
    """Set PyTorch's number of threads within a block."""
    import torch  # not needed to read a study

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
