"""Pictures in a folder for each class: `cat/1.jpg`, or `train/cat/1.jpg` and `test/cat/7.jpg`."""

from __future__ import annotations

import functools
from pathlib import Path

from thriftnet.data.index import Entry, Index, Omission, Origin, as_label, find_split
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.files import Found, find_pictures

KIND = "class folders"


def recognises(path: Path) -> bool:
    """Whether a path is a folder: the form that is tried last."""
    return path.is_dir()


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of a folder by class.

    Folders named train, val (valid, validation) and test are splits, if one of them is train or
    there are no others. Deeper folders belong to their class's.
    """
    del options
    found = find_pictures(path)
    prefix = _wrapper(found)
    inside = [picture[len(prefix) :].split("/") for picture in found.pictures]
    tops = {parts[0] for parts in inside if len(parts) > 1}
    splits = {top: find_split(top) for top in tops}
    split_layout = "train" in splits.values() or (bool(tops) and all(splits.values()))
    index = Index(KIND, path, [], found.omissions, found.others, found.stamps)
    depth = 1 if split_layout else 0
    for picture, parts in zip(found.pictures, inside, strict=True):
        split = splits.get(parts[0]) if split_layout else None
        if split_layout and split is None:
            reason = "outside the folders train, val and test"
        elif len(parts) < depth + 2:
            reason = "in no class's folder"
        elif (label := _label(parts[depth])) is None:
            reason = "the name of its folder is not UTF-8; rename it"
        else:
            index.entries.append(Entry(Origin(picture), label, split))
            continue
        index.omissions.append(Omission(picture, reason))
    index.omissions += _empty_classes(found, prefix, depth)
    return index


def _wrapper(found: Found) -> str:
    """The folders around all classes, such as an unpacked archive's own: `photos/`, or none."""
    prefix = ""
    while True:
        inside = [picture[len(prefix) :].split("/", 2) for picture in found.pictures]
        tops = {parts[0] for parts in inside}
        classes = {parts[1] for parts in inside if len(parts) == 3}
        if len(tops) != 1 or len(classes) == 0 or find_split(next(iter(tops))):
            return prefix
        if len(classes) == 1 and not all(map(find_split, classes)):  # may be a folder around too
            below = {parts[2].split("/")[0] for parts in inside if "/" in parts[-1]}
            if len(below) < 2:
                return prefix
        prefix += f"{next(iter(tops))}/"


def _empty_classes(found: Found, prefix: str, depth: int) -> list[Omission]:
    """Folders where a class's pictures would be, and are not."""
    used = {"/".join(p[len(prefix) :].split("/")[: depth + 1]) for p in found.pictures}
    wanted = (f[len(prefix) :] for f in found.folders if f.startswith(prefix))
    return [
        Omission(f"{prefix}{folder}", "a folder without pictures")
        for folder in wanted
        if folder.count("/") == depth and folder not in used
    ]


@functools.lru_cache(maxsize=10_000)  # once a class: a folder may hold 100,000 pictures
def _label(folder: str) -> str | None:
    """The class that a folder's name stands for; none where it is not UTF-8."""
    return None if any("\ud800" <= c <= "\udfff" for c in folder) else as_label(folder)
