"""Sources of labelled pictures: one module per format, recognised by content."""

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
    """A format."""

    recognises: Callable[[Path], bool]
    """Whether an existing path has this format."""
    read_index: Callable[[Path, SourceOptions], Index]
    """Builds the index; raises DataError if that is impossible."""


SOURCES: dict[str, Source] = {
    module.KIND: Source(module.recognises, module.read_index)
    for module in (cifar100, svhn, idx, npz, parquet, tables, class_folders)
}
"""The first format that recognises a path reads it."""
