"""Reads class folders: `cat/1.jpg`, or `train/cat/1.jpg` and `test/cat/7.jpg`."""

from __future__ import annotations

from pathlib import Path

from thriftnet.data.index import Entry, Index, Omission, Origin, as_label, find_split, is_text
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.files import Found, scan_folder

KIND = "class folders"


def recognises(path: Path) -> bool:
    """Whether a path is a folder; this format is tried last."""
    return path.is_dir()


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of a folder by class.

    Folders named train, val (valid, validation) and test are splits if one of them is train or
    there are no others. Subfolders belong to their class.
    """
    del options
    found = scan_folder(path)
    prefix = _wrapper(found)
    inside = {folder: _parts(folder, prefix) for folder in found.in_folders}
    tops = {parts[0] for parts in inside.values() if parts}
    splits = {top: find_split(top) for top in tops}
    split_layout = "train" in splits.values() or (bool(tops) and all(splits.values()))
    index = Index(KIND, path, [], found.omissions, found.others, stamps=found.stamps)
    depth = 1 if split_layout else 0
    for folder, pictures in found.in_folders.items():  # per folder, not per picture
        parts = inside[folder]
        split = splits[parts[0]] if split_layout and parts else None
        label = _label(parts[depth]) if len(parts) > depth else ""
        if split_layout and split is None:
            reason = "outside the folders train, val and test"
        elif len(parts) <= depth:
            reason = "in no class's folder"
        elif label is None:
            reason = "the name of its folder is not UTF-8; rename it"
        elif not label:
            reason = "the name of its folder is blank; rename it"
        else:
            index.entries += [Entry(Origin(path), label, split) for path in pictures]
            continue
        index.omissions += [Omission(picture, reason) for picture in pictures]
    index.omissions += _empty_classes(found, prefix, depth)
    return index


def _parts(folder: str, prefix: str) -> list[str]:
    """The parts of a folder's path below the common parent folders of all classes."""
    below = folder[len(prefix) :]
    return below.split("/") if below else []


def _wrapper(found: Found) -> str:
    """The common parent folders of all classes, such as that of an archive: `photos/`, or empty."""
    prefix = ""
    while True:
        inside = [_parts(folder, prefix) for folder in found.in_folders]
        tops = {parts[0] for parts in inside if parts}
        classes = {parts[1] for parts in inside if len(parts) > 1}
        pictures_here = not all(inside)
        if pictures_here or len(tops) != 1 or not classes or find_split(next(iter(tops))):
            return prefix
        if len(classes) == 1 and not all(map(find_split, classes)):  # may be a parent folder, too
            below = {parts[2] for parts in inside if len(parts) > 2}
            if len(below) < 2:
                return prefix
        prefix += f"{next(iter(tops))}/"


def _empty_classes(found: Found, prefix: str, depth: int) -> list[Omission]:
    """Class folders without pictures."""
    used = {tuple(_parts(folder, prefix)[: depth + 1]) for folder in found.in_folders}
    wanted = (folder for folder in found.folders if folder.startswith(prefix))
    return [
        Omission(folder, "a folder without pictures")
        for folder in wanted
        if len(parts := _parts(folder, prefix)) == depth + 1 and tuple(parts) not in used
    ]


def _label(folder: str) -> str | None:
    """The class of a folder's name; None if it is not UTF-8."""
    return as_label(folder) if is_text(folder) else None
