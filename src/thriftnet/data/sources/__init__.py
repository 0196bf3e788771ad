"""Forms in which labelled pictures come: one file each, told apart by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from thriftnet.data.index import Index
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources import (
    cifar100,
    class_folders,
    idx,
    npz,
    parquet,
    svhn,
    tables,
)


class Source(NamedTuple):
    """One form."""

    recognises: Callable[[Path], bool]
    """Whether a path that exists has this form."""
    read_index: Callable[[Path, SourceOptions], Index]
    """Lists what is there; raises DataError where nothing can be."""


SOURCES: dict[str, Source] = {
    module.KIND: Source(module.recognises, module.read_index)
    for module in (cifar100, svhn, idx, npz, parquet, tables, class_folders)
}
"""The first form that recognises a path reads it."""
