"""The processor threads of a study: part of the bits of its results, and so the same everywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from thriftnet.search.study import Study


@contextlib.contextmanager
def threads_of(study: Study) -> Iterator[None]:
    """A block that computes with the study's threads, whatever the process has otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(study.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
