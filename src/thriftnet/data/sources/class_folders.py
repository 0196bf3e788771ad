"""Reads class folders: `cat/1.jpg`, or `train/cat/1.jpg` and `test/cat/7.jpg`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from thriftnet.data.index import (
    Entry,
    Index,
    Omission,
    Origin,
    find_split,
    is_text,
    split_in_name,
)
from thriftnet.data.options import SourceOptions
from thriftnet.data.sources.files import Found, scan_folder

KIND = "class folders"


def recognises(path: Path) -> bool:
    """Whether a path is a folder; this format is tried last."""
    return path.is_dir()


def read_index(path: Path, options: SourceOptions) -> Index:
    """List the pictures of a folder by class.

    Folders with names of splits, as of `find_split`, are splits if one of them is train or there
    are no others; so are folders such as `seg_train` and `seg_test`, and such folders within every
    class's. Subfolders belong to their class.
    """
    del options
    found = scan_folder(path)
    layout = _Layout.of(found.in_folders)
    index = Index(KIND, path, [], found.omissions, found.others, stamps=found.stamps)
    names = ", ".join(top for top, split in layout.splits.items() if split)
    for folder, pictures in found.in_folders.items():  # per folder, not per picture
        split, rest = layout.place(folder)
        label = _label(index, rest[0]) if rest else ""
        if layout.splits and split is None:
            reason = f"outside the splits ({names}); call its folder train, val or test to use it"
        elif not rest:
            reason = "in no class's folder"
        elif label is None:
            reason = "the name of its folder is not UTF-8; rename it"
        elif not label:
            reason = "the name of its folder is blank; rename it"
        else:
            index.entries += [Entry(Origin(path), label, split) for path in pictures]
            continue
        index.omissions += [Omission(picture, reason) for picture in pictures]
    index.omissions += _empty_classes(found, layout)
    index.notes += _same_inside(found.in_folders, layout)
    return index


@dataclass(frozen=True)
class _Layout:
    """What the levels of folders stand for."""

    prefix: str
    """The common parent folders of all pictures."""
    splits: dict[str, str | None]
    """The split of each folder below it; empty if these are classes."""
    wrapped: frozenset[str] = frozenset()
    """Splits with one more folder around their classes, as archives have it: `train/train/cat`."""
    class_first: bool = False
    """Whether the splits are within the classes: `cat/train/1.jpg`."""

    @staticmethod
    def of(folders: Collection[str]) -> _Layout:
        """The layout of folders with pictures."""
        prefix = _wrapper(folders)
        inside = [_parts(folder, prefix) for folder in folders]
        splits = _splits({parts[0] for parts in inside if parts}, inside)
        below = {top: [parts[1:] for parts in inside if parts[:1] == [top]] for top in splits}
        train = next((top for top, split in splits.items() if split == "train"), None)
        if train is not None and _wraps(below[train]):
            return _Layout(prefix, splits, frozenset(t for t in splits if _wraps(below[t])))
        second = {parts[1] for parts in inside if len(parts) > 1}
        named = {find_split(name) for name in second}
        class_first = "train" in named and None not in named and all(len(p) > 1 for p in inside)
        return _Layout(prefix, splits, class_first=not splits and class_first)

    def place(self, folder: str) -> tuple[str | None, list[str]]:
        """The split of a folder, and its path from that of its class on."""
        parts = _parts(folder, self.prefix)
        if self.class_first:
            return find_split(parts[1]) if len(parts) > 1 else None, parts[:1]
        if not self.splits or not parts:
            return None, parts
        return self.splits.get(parts[0]), parts[2 if parts[0] in self.wrapped else 1 :]


def _splits(tops: Collection[str], inside: Collection[list[str]]) -> dict[str, str | None]:
    """The split of each top folder; empty if these are no splits."""
    splits = {top: find_split(top) for top in sorted(tops)}
    if "train" in splits.values() or (splits and all(splits.values())):
        return splits
    # Classes may be called "toy train", but hardly all of them, with folders instead of pictures.
    words = {top: split_in_name(top) for top in sorted(tops)}
    trained = [parts for parts in inside if parts and words[parts[0]] == "train"]
    named = all(words.values()) and len(set(words.values())) > 1
    return words if named and trained and all(len(parts) > 1 for parts in trained) else {}


def _wraps(below: Collection[list[str]]) -> bool:
    """Whether all that a split holds is in one folder, with further folders in it."""
    return len({tuple(parts[:1]) for parts in below}) == 1 and any(len(p) > 1 for p in below)


def _parts(folder: str, prefix: str) -> list[str]:
    """The parts of a folder's path below the common parent folders of all classes."""
    below = folder[len(prefix) :]
    return below.split("/") if below else []


def _wrapper(folders: Collection[str]) -> str:
    """The common parent folders of all classes, such as that of an archive: `photos/`, or empty.

    Pictures beside the one folder are in no class's.
    """
    prefix = ""
    while True:
        inside = [_parts(folder, prefix) for folder in folders]
        tops = {parts[0] for parts in inside if parts}
        if len(tops) > 1 or any(map(find_split, tops)):
            return prefix
        if not tops:  # one class only, whichever folder gives its name
            return ""
        prefix += f"{next(iter(tops))}/"


def _empty_classes(found: Found, layout: _Layout) -> list[Omission]:
    """Folders of splits and of classes without pictures."""

    def key(folder: str) -> tuple[str | None, ...]:
        split, rest = layout.place(folder)
        return (None if layout.class_first else split, *rest)

    used = {key(folder)[:2] for folder in found.in_folders}
    wanted = (folder for folder in found.folders if folder.startswith(layout.prefix))

    def is_empty(folder: str) -> bool:
        top, *below = _parts(folder, layout.prefix)
        if layout.splits and not below:
            return find_split(top) is not None and top not in layout.splits
        return len(at := key(folder)) == 2 and at not in used

    return [Omission(folder, "a folder without pictures") for folder in wanted if is_empty(folder)]


def _same_inside(folders: Collection[str], layout: _Layout) -> list[str]:
    """A note if every class holds the same folders, as in `2024/cat`: those may be the classes."""
    inside: dict[str, set[str]] = {}
    for folder in folders:
        _, rest = layout.place(folder)
        inside.setdefault(rest[0] if rest else "", set()).update(rest[1:2])
    kinds = {frozenset(names) for names in inside.values()}
    if layout.class_first or len(inside) < 2 or len(kinds) > 1 or len(min(kinds)) < 2:
        return []
    classes, names = (", ".join(sorted(some)[:3]) for some in (inside, *kinds))
    remedy = "these are the classes, move them up or list the pictures in a table"
    if any(map(find_split, inside)):
        remedy = "the top folders are splits, rename the training split to train"
    return [
        f"the classes are the top folders ({classes}), which all have the same subfolders "
        f"({names}); "
        f"if {remedy}"
    ]


def _label(index: Index, folder: str) -> str | None:
    """The class of a folder's name; None if it is not UTF-8."""
    return index.label(folder) if is_text(folder) else None
