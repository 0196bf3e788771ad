"""The processor threads of a study: they change the bits of its results, so they are recorded."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from thriftnet.runs.folder import RunFolder
from thriftnet.search.space import Space

_MOST = 2**12
"""Threads that a file may ask for."""


def trial_threads(path: Path, space: Space) -> int:
    """Threads of a study's trials.

    Spaces of early studies do not name them: then the number that most trials had.

    Args:
        path: Of the study folder.
        space: Its own.
    """
    if "threads" in space.model_fields_set:
        return space.threads
    told: Counter[int] = Counter()
    for file in sorted(path.glob("trials/grid/*/environment.json")):
        threads = RunFolder(file.parent).environment().get("threads")
        if isinstance(threads, int) and 0 < threads <= _MOST:
            told[threads] += 1
    return told.most_common(1)[0][0] if told else space.threads


@contextlib.contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """A block in which PyTorch computes with so many threads, then with as many as before."""
    import torch  # a study is read without it

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
