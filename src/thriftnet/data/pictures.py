"""Which files of a folder are pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from thriftnet.data.picture_formats import HEADER_BYTES, begins_like_a_picture, picture_suffixes
from thriftnet.errors import DataError

_PIECES = re.compile("[0-9]+|[^0-9]+")
_SYSTEM_FOLDERS = {
    "#recycle",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "__macosx",
    "lost+found",
    "recycler",
    "system volume information",
}
"""In lower case: trash, thumbnails and copies that a system keeps and nobody means."""


def image_files(path: Path | str) -> list[Path]:
    """Returns the image files a path stands for, as `walk_images` finds them.

    Raises:
        DataError: as `walk_images`.
    """
    return list(walk_images(path))


def walk_images(path: Path | str) -> Iterator[Path]:
    """Finds the image files a path stands for, one after another.

    Only the names in one folder, and in those above it, are held.

    Args:
        path: a file, returned as it is; or a folder, walked to the bottom, through links too.
            A picture is told by the end of its name or by its first bytes; one that cannot be
            decoded here, such as HEIC, is among them, as reading it says what to do. Hidden files
            and folders, trash and thumbnails are left out.

    Yields:
        Paths in natural order: `2.png` before `10.png`.

    Raises:
        DataError: the path does not exist or is neither, or a folder holds no images or cannot be
            read.
    """
    path = Path(path)
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}; give an image or a folder of images")
    suffixes = picture_suffixes()
    found = False
    for file in _walk(path):
        if file.suffix.lower() in suffixes or has_picture_bytes(file):
            found = True
            yield file
    if not found:
        raise DataError(f"{path} holds no images; give a folder with PNG, JPEG or similar files")


def _walk(root: Path) -> Iterator[Path]:
    """All files under a folder that somebody put there; each folder once, whatever links say."""
    seen: set[tuple[int, int]] = set()
    levels = [_listed(root, seen)]
    while levels:
        path, is_folder = next(levels[-1], (None, False))
        if path is None:
            levels.pop()
        elif is_folder:
            levels.append(_listed(path, seen))
        else:
            yield path


def _listed(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, bool]]:
    """Files and folders directly in a folder, and whether each is a folder."""
    try:
        facts = folder.stat()
        if (facts.st_dev, facts.st_ino) in seen:
            return
        seen.add((facts.st_dev, facts.st_ino))
        with os.scandir(folder) as entries:
            names = [(entry.name, _is_folder(entry)) for entry in entries]
    except OSError as fault:
        raise DataError(f"{folder}: {fault.strerror}; make it readable or move it away") from None
    names.sort(key=lambda each: (natural_key(each[0]), each[0]))
    for name, is_folder in names:
        if not (is_system_folder(name) if is_folder else name.startswith(".")):
            yield folder / name, is_folder


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_system_folder(folder: str) -> bool:
    """Whether a folder of this name is hidden, or one that a system keeps and nobody means."""
    return folder.startswith(".") or folder.lower() in _SYSTEM_FOLDERS


def has_picture_bytes(path: Path) -> bool:
    """Whether a file's content is a picture's; what cannot be looked into is none."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return begins_like_a_picture(file.read(HEADER_BYTES))
    except OSError:
        return False


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """A key that sorts digits by the number they make, before letters, whatever their case."""
    return [
        (False, int(piece), piece) if piece[0] in "0123456789" else (True, 0, piece.casefold())
        for piece in _PIECES.findall(text)
    ]
