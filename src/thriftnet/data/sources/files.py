"""Lists all files below a folder: pictures, other files, and unusable ones."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from thriftnet.data.index import Omission
from thriftnet.data.picture_formats import picture_suffixes
from thriftnet.data.pictures import (
    has_picture_bytes,
    is_directory,
    is_system_folder,
    natural_key,
    special_kind,
)

_RUN_FOLDERS = {"checkpoints", "figures"}
"""In a run folder beside `recipe.yaml`; trained in the pictures' folder, it is among them."""


@dataclass
class Found:
    """The files below a folder; all paths are relative to it, with `/` as separator."""

    root: Path
    in_folders: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Paths of the pictures per folder, with an empty key for the root; in natural order."""
    folders: list[str] = field(default_factory=list[str])
    omissions: list[Omission] = field(default_factory=list[Omission])
    others: Counter[str] = field(default_factory=lambda: Counter[str]())
    """Number of other files, by suffix."""
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Size in bytes and modification time (ns) of each picture."""

    @property
    def pictures(self) -> list[str]:
        """Paths of all pictures, folder by folder."""
        return [path for paths in self.in_folders.values() for path in paths]


def scan_folder(root: Path) -> Found:
    """Find the pictures in a folder recursively, following links, each folder once.

    Hidden files and folders, trash, thumbnails and run folders, whose figures are no data, are
    skipped. For 100,000 pictures this is most of the time to open cached data: one `stat` per
    picture.
    """
    found, seen = Found(root), set[tuple[int, int]]()
    suffixes = picture_suffixes()
    pending = [""]  # strings are faster than Path for 100,000 pictures
    while pending:
        folder = pending.pop()
        try:
            facts = (root / folder).stat()
            if (facts.st_dev, facts.st_ino) in seen:
                found.omissions.append(Omission(folder, "a link to a folder that is read already"))
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda e: (natural_key(e.name), e.name))
        except OSError as fault:
            found.omissions.append(Omission(folder or str(root), fault.strerror or str(fault)))
            continue
        names = {entry.name for entry in entries}
        if "recipe.yaml" in names and names & _RUN_FOLDERS:
            parent = folder.rpartition("/")[0]  # `runs` is no empty class
            found.folders = [each for each in found.folders if each != parent]
            continue
        if folder:
            found.folders.append(folder)
        start = f"{folder}/" if folder else ""
        below: list[str] = []
        pictures: list[str] = []
        for entry in entries:
            if is_directory(entry):
                if not is_system_folder(entry.name):
                    below.append(start + entry.name)
            elif entry.name[0] != "." and (path := _as_picture(found, entry, start, suffixes)):
                pictures.append(path)
        if pictures:
            found.in_folders[folder] = pictures
        pending += reversed(below)
    return found


def _as_picture(
    found: Found, entry: os.DirEntry[str], start: str, suffixes: set[str]
) -> str | None:
    """The path of a picture, recording its size and time; other files are recorded, too."""
    name = entry.name
    suffix = name[name.rfind(".") :].lower() if "." in name[1:] else ""
    path = start + name
    if suffix not in suffixes and not has_picture_bytes(Path(entry.path)):
        found.others[suffix or "no suffix"] += 1
    else:
        try:
            if entry.is_file():
                facts = entry.stat()
                found.stamps[path] = facts.st_size, facts.st_mtime_ns
                return path
            reason = None
        except OSError as fault:  # removed since, or a loop of links
            reason = fault.strerror
        kind = special_kind(entry.path)
        why = f"{kind}, not a file" if kind else reason or "not a file"
        found.omissions.append(Omission(path, why))
    return None
