"""For a folder that is no data set: a table, arrays or other folders nearby that may be meant."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from thriftnet.data.index import Index
from thriftnet.data.picture_formats import picture_suffixes
from thriftnet.data.sources import SOURCES, class_folders
from thriftnet.data.sources.files import scan_folder
from thriftnet.data.sources.tables import all_tables
from thriftnet.data.sources.unread import unread_list, why_unread
from thriftnet.errors import DataError

_LOOKED_AT = 200


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
    unread = unread_list(path)
    if unread is not None and len({entry.label for entry in index.entries}) < 2:
        return f". {unread} {why_unread(unread)}"
    if index.entries:
        return ""
    for folder in scan_folder(path).folders:
        for kind, source in SOURCES.items():
            if kind != class_folders.KIND and source.recognises(path / folder):
                return f". {path / folder} holds {kind}: give that"
    above = path.absolute().parent
    if index.omissions and _has_pictures(above, besides=path.name):
        return f". If {path.name} is one of the classes, give {above}"
    return ""


def _has_pictures(folder: Path, *, besides: str) -> bool:
    """Whether another folder in a folder has a picture right in it; a few names are looked at."""
    suffixes = picture_suffixes()
    for each in islice(_entries(folder), _LOOKED_AT):
        if each.name != besides and each.is_dir():
            names = islice(_entries(Path(each.path)), _LOOKED_AT)
            if any(Path(entry.name).suffix.lower() in suffixes for entry in names):
                return True
    return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from entries
