"""Every file below a folder: which are pictures, which are none, and which cannot be used."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from thriftnet.data.index import Omission
from thriftnet.data.picture_formats import picture_suffixes
from thriftnet.data.pictures import has_picture_bytes, is_system_folder, natural_key


@dataclass
class Found:
    """What lies below a folder; all paths are relative to it, with `/` between their parts."""

    root: Path
    pictures: list[str] = field(default_factory=lambda: [])
    """In natural order, folder by folder."""
    folders: list[str] = field(default_factory=lambda: [])
    omissions: list[Omission] = field(default_factory=lambda: [])
    others: Counter[str] = field(default_factory=lambda: Counter[str]())
    """How many files are no pictures, by suffix."""
    stamps: dict[str, tuple[int, int]] = field(default_factory=lambda: {})
    """Bytes and time of the last change (ns) of each picture."""


def find_pictures(root: Path) -> Found:
    """Look through a folder, through links too, each folder once.

    Hidden files and folders, trash, thumbnails and what systems keep are passed over.
    """
    found, seen = Found(root), set[tuple[int, int]]()
    suffixes = picture_suffixes()
    pending = [""]  # strings, not paths: a folder may hold 100,000 pictures
    while pending:
        folder = pending.pop()
        try:
            facts = (root / folder).stat()
            if (facts.st_dev, facts.st_ino) in seen:
                found.omissions.append(Omission(folder, "a link to a folder that is read already"))
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: natural_key(entry.name))
        except OSError as fault:
            found.omissions.append(Omission(folder or str(root), fault.strerror or str(fault)))
            continue
        if folder:
            found.folders.append(folder)
        below: list[str] = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                if not is_system_folder(entry.name):
                    below.append(path)
            elif not entry.name.startswith("."):
                _take(found, entry, path, suffixes)
        pending += reversed(below)
    return found


def _take(found: Found, entry: os.DirEntry[str], path: str, suffixes: set[str]) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    if suffix not in suffixes and not has_picture_bytes(Path(entry.path)):
        found.others[suffix or "no suffix"] += 1
    elif not entry.is_file():
        what = "a broken link" if entry.is_symlink() else "a pipe, socket or device"
        found.omissions.append(Omission(path, f"{what}, not a file"))
    else:
        try:
            facts = entry.stat()
        except OSError as fault:  # removed meanwhile
            found.omissions.append(Omission(path, fault.strerror or str(fault)))
            return
        found.pictures.append(path)
        found.stamps[path] = facts.st_size, facts.st_mtime_ns
