"""Says what else is in a folder that is no data set: a table that names no picture, or arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from thriftnet.data.index import Index
from thriftnet.data.sources import SOURCES, class_folders
from thriftnet.data.sources.files import scan_folder
from thriftnet.data.sources.tables import all_tables
from thriftnet.errors import DataError


def also_there(path: Path, index: Index, read: Callable[[Path], object]) -> str:
    """The end of a message on class folders that cannot be used; empty if nothing else is there.

    Args:
        path: The folder.
        index: What was read of it.
        read: Reads a path as a data set; raises DataError if it is none.
    """
    if index.kind != class_folders.KIND:
        return ""
    for table in all_tables(path):
        try:
            read(table)
        except DataError as fault:
            return f". There is a table next to it: {fault}"
        return f", or {table}"
    if index.entries:
        return ""
    for folder in scan_folder(path).folders:
        for kind, source in SOURCES.items():
            if kind != class_folders.KIND and source.recognises(path / folder):
                return f". {path / folder} holds {kind}: give that"
    return ""
